import {animationFrame, click, describe, expect, test} from "@odoo/hoot";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";
import {patchWithCleanup} from "@web/../tests/web_test_helpers";
import {browser} from "@web/core/browser/browser";

setupInteractionWhiteList("payment_booking_portal.copy_text");

describe.current.tags("interaction_dev");

const page = `
    <dd>
        <code>B00042</code>
        <button class="o_pbp_copy" data-copy="B00042">Copy</button>
    </dd>`;

test("copies the text and says so", async () => {
    patchWithCleanup(browser.navigator.clipboard, {
        writeText: (text) => expect.step(text),
    });
    const {core} = await startInteractions(page);
    expect(core.interactions).toHaveLength(1);
    await click("button");
    await animationFrame();
    expect.verifySteps(["B00042"]);
    expect("button").toHaveText("Copied");
});

test("without permission the text is selected", async () => {
    patchWithCleanup(browser.navigator.clipboard, {
        writeText: () => Promise.reject(new DOMException("no", "NotAllowedError")),
    });
    await startInteractions(page);
    await click("button");
    await animationFrame();
    expect("button").toHaveText("Copy");
    expect(String(document.getSelection())).toBe("B00042");
});
