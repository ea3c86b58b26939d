import {advanceTime, describe, expect, mockLocation, queryOne, test} from "@odoo/hoot";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";

setupInteractionWhiteList("payment_booking_portal.hold_countdown");

describe.current.tags("interaction_dev");

function getPage(seconds) {
    return `
        <div class="o_pbp_deadline" data-seconds="${seconds}">
            <span class="o_pbp_remaining"></span>
        </div>
        <button name="o_payment_submit_button">Pay</button>`;
}

test("counts down, whatever the clock of the device says", async () => {
    const {core} = await startInteractions(getPage(125));
    expect(core.interactions).toHaveLength(1);
    expect(".o_pbp_remaining").toHaveText("2:05");
    expect(".o_pbp_deadline").not.toHaveClass("o_pbp_urgent");
    await advanceTime(5000);
    expect(".o_pbp_remaining").toHaveText("2:00");
    expect(".o_pbp_deadline").toHaveClass("o_pbp_urgent");
    await advanceTime(57000);
    expect(".o_pbp_remaining").toHaveText("1:03");
    expect("button").toBeEnabled();
});

test("is silent as long as there is more than an hour", async () => {
    await startInteractions(getPage(3601));
    expect(".o_pbp_remaining").toHaveText("");
    await advanceTime(1000);
    expect(".o_pbp_remaining").toHaveText("");
    await advanceTime(1000);
    expect(".o_pbp_remaining").toHaveText("59:59");
});

test("asks the server at the end, and lets nobody pay then", async () => {
    mockLocation.addEventListener("reload", () => expect.step("reload"));
    await startInteractions(getPage(2));
    await advanceTime(1000);
    expect("button").toBeEnabled();
    await advanceTime(1000);
    expect(".o_pbp_remaining").toHaveText("0:00");
    expect("button").not.toBeEnabled();
    expect.verifySteps([]);
    await advanceTime(1000);
    expect.verifySteps(["reload"]);
    await advanceTime(60000);
    expect.verifySteps([]);
});

test("a hold that is over asks the server at once", async () => {
    mockLocation.addEventListener("reload", () => expect.step("reload"));
    await startInteractions(getPage(-3));
    expect(queryOne("button").disabled).toBe(true);
    await advanceTime(1000);
    expect.verifySteps(["reload"]);
});

test("stops with its page", async () => {
    mockLocation.addEventListener("reload", () => expect.step("reload"));
    const {core} = await startInteractions(getPage(2));
    core.stopInteractions();
    await advanceTime(10000);
    expect.verifySteps([]);
});
