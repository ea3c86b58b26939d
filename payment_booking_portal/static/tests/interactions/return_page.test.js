import {advanceTime, click, describe, expect, keyDown, test} from "@odoo/hoot";
import {browser} from "@web/core/browser/browser";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";

setupInteractionWhiteList([
    "payment_booking_portal.return_later",
    "payment_booking_portal.return_page",
]);

describe.current.tags("interaction_dev");

const KEY = "payment_booking_return";
const PAGE = "https://www.studio.example/prices?from=news";

async function startPage(from) {
    browser.sessionStorage.setItem(KEY, from);
    return startInteractions(`
        <div class="o_pbp_returning">
            <a class="o_pbp_return" href="${PAGE}#payment-booking=booked,paid">Back</a>
            <div class="o_pbp_return_soon" hidden="hidden">
                <p>In a moment <span class="o_pbp_return_left"></span></p>
                <button class="o_pbp_return_stay">Stay here</button>
            </div>
        </div>`);
}

test("remembers who came from a website", async () => {
    await startInteractions(
        `<a class="o_pbp_return_unpaid" href="${PAGE}#payment-booking=closed">Back</a>`
    );
    expect(browser.sessionStorage.getItem(KEY)).toBe(PAGE);
});

test("goes back with who has just paid, and says so before", async () => {
    const before = browser.location.href;
    const {core} = await startPage(PAGE);
    expect(core.interactions).toHaveLength(1);
    expect(".o_pbp_return_soon").toBeVisible();
    expect(".o_pbp_return_left").toHaveText("(20)");
    await advanceTime(19000);
    expect(".o_pbp_return_left").toHaveText("(1)");
    expect(browser.location.href).toBe(before);
    await advanceTime(1000);
    expect(browser.location.href).toBe(`${PAGE}#payment-booking=booked,paid`);
    expect(browser.sessionStorage.getItem(KEY)).toBe(null);
});

test("stays where nobody came from that page in this tab", async () => {
    const before = browser.location.href;
    await startPage("https://other.example/");
    expect(".o_pbp_return_soon").not.toBeVisible();
    await advanceTime(60000);
    expect(browser.location.href).toBe(before);
});

test("stays for who says so", async () => {
    const before = browser.location.href;
    await startPage(PAGE);
    await advanceTime(5000);
    await click(".o_pbp_return_stay");
    await advanceTime(60000);
    expect(browser.location.href).toBe(before);
    expect(".o_pbp_return_soon").not.toBeVisible();
});

test("stays for who does anything", async () => {
    const before = browser.location.href;
    await startPage(PAGE);
    await keyDown("Tab");
    await advanceTime(60000);
    expect(browser.location.href).toBe(before);
    expect(".o_pbp_return_soon").not.toBeVisible();
});
