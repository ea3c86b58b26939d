import {
    advanceTime,
    check,
    click,
    describe,
    expect,
    manuallyDispatchProgrammaticEvent,
    test,
} from "@odoo/hoot";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";

setupInteractionWhiteList("payment_booking_portal.booking_details");

describe.current.tags("interaction_dev");

function getPage(alert = "") {
    return `
        <form class="o_pbp_details">
            ${alert}
            <input type="radio" name="currency" value="EUR" data-price="60.00 €" checked="1"/>
            <input type="radio" name="currency" value="JPY" data-price="9,600 ¥"/>
            <button type="submit">Book</button>
        </form>
        <strong class="o_pbp_price">60.00 €</strong>`;
}

test("the price follows the currency", async () => {
    const {core} = await startInteractions(getPage());
    expect(core.interactions).toHaveLength(1);
    await check("input[value=JPY]");
    expect(".o_pbp_price").toHaveText("9,600 ¥");
    await check("input[value=EUR]");
    expect(".o_pbp_price").toHaveText("60.00 €");
});

test("books once, and again after the back button", async () => {
    await startInteractions(getPage());
    const form = document.querySelector(".o_pbp_details");
    form.addEventListener("submit", (ev) => {
        ev.preventDefault();
        expect.step("submit");
    });
    await click("button");
    expect("button").toBeEnabled({message: "a disabled button would not submit"});
    await advanceTime(1);
    expect("button").not.toBeEnabled();
    await click("button");
    expect.verifySteps(["submit"]);
    await manuallyDispatchProgrammaticEvent(window, "pageshow");
    expect("button").toBeEnabled();
});

test("what is wrong gets the focus", async () => {
    await startInteractions(getPage(`<div role="alert" tabindex="-1">Wrong</div>`));
    expect("[role=alert]").toBeFocused();
});

test("without mistakes the focus stays where it is", async () => {
    await startInteractions(getPage());
    expect(document.body).toBeFocused();
});
