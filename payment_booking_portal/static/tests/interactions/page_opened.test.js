import {advanceTime, describe, expect, test} from "@odoo/hoot";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";
import {makeServerError, onRpc, patchWithCleanup} from "@web/../tests/web_test_helpers";

setupInteractionWhiteList("payment_booking_portal.page_opened");

describe.current.tags("interaction_dev");

const page = `<div data-opened-url="/pay/token/opened"></div>`;

test("a page that is seen for two seconds is opened, once", async () => {
    onRpc("/pay/token/opened", () => {
        expect.step("opened");
        return true;
    });
    await startInteractions(page);
    await advanceTime(1500);
    expect.verifySteps([]);
    await advanceTime(1000);
    expect.verifySteps(["opened"]);
    document.dispatchEvent(new Event("visibilitychange"));
    await advanceTime(10000);
    expect.verifySteps([]);
});

test("a hidden page is not opened until it is looked at", async () => {
    let state = "hidden";
    patchWithCleanup(document, {
        get visibilityState() {
            return state;
        },
    });
    onRpc("/pay/token/opened", () => {
        expect.step("opened");
        throw makeServerError();
    });
    await startInteractions(page);
    await advanceTime(10000);
    expect.verifySteps([]);
    state = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
    await advanceTime(1000);
    state = "hidden"; // a glance is too short
    document.dispatchEvent(new Event("visibilitychange"));
    await advanceTime(10000);
    expect.verifySteps([]);
    state = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
    await advanceTime(2500);
    expect.verifySteps(["opened"]);
});
