import {advanceTime, check, click, describe, expect, fill, test} from "@odoo/hoot";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";

setupInteractionWhiteList("payment_booking_portal.direct_link");

describe.current.tags("interaction_dev");

const BUTTON = "button[type=submit]";

function getPage(panels, alert = "") {
    return `
        <form class="o_pbp_link_form" action="/l/token">
            ${alert}
            ${panels}
            <button type="submit">Pay <span class="o_pbp_pay_amount"></span></button>
        </form>`;
}

const fixed = `
    <input type="radio" name="currency" value="USD" checked="1"/>
    <input type="radio" name="currency" value="JPY"/>
    <section class="o_pbp_panel" data-currency="USD"><p class="o_pbp_amount">$ 40.00</p></section>
    <section class="o_pbp_panel" data-currency="JPY"><p class="o_pbp_amount">¥ 6,000</p></section>`;

const open = `
    <input type="hidden" name="currency" value="EUR"/>
    <section class="o_pbp_panel" data-currency="EUR">
        <input type="radio" name="choice_EUR" id="c0" value="10.00"/>
        <label for="c0">10.00 €</label>
        <input type="radio" name="choice_EUR" id="own" value="own"/>
        <label for="own">Other amount</label>
        <input type="text" class="o_pbp_own_amount" name="amount_EUR"/>
    </section>`;

test("the button says the amount in the chosen currency", async () => {
    const {core} = await startInteractions(getPage(fixed));
    expect(core.interactions).toHaveLength(1);
    expect(BUTTON).toHaveText("Pay $ 40.00");
    await check("input[value=JPY]");
    expect(BUTTON).toHaveText("Pay ¥ 6,000");
});

test("the button says what is chosen or typed", async () => {
    await startInteractions(getPage(open));
    expect(BUTTON).toHaveText("Pay");
    await check("#c0");
    expect(BUTTON).toHaveText("Pay 10.00 €");
    await click(".o_pbp_own_amount");
    await fill("35,5");
    expect("#own").toBeChecked();
    expect(BUTTON).toHaveText("Pay 35,5 EUR");
    await check("#c0");
    expect(".o_pbp_own_amount").toHaveValue("");
    expect(BUTTON).toHaveText("Pay 10.00 €");
    await check("#own");
    expect(".o_pbp_own_amount").toBeFocused();
});

test("pays once", async () => {
    await startInteractions(getPage(fixed));
    document.querySelector("form").addEventListener("submit", (ev) => {
        ev.preventDefault();
        expect.step("submit");
    });
    await click(BUTTON);
    await advanceTime(1);
    expect(BUTTON).not.toBeEnabled();
    await click(BUTTON);
    expect.verifySteps(["submit"]);
});

test("what is wrong gets the focus", async () => {
    await startInteractions(getPage(fixed, `<div role="alert" tabindex="-1">No</div>`));
    expect("[role=alert]").toBeFocused();
});
