import {click, describe, expect, queryOne, test} from "@odoo/hoot";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";

setupInteractionWhiteList("payment_booking_portal.payment_dues");

describe.current.tags("interaction_dev");

const box = (amount, currency, digits) => `
    <input type="checkbox" name="due" data-amount="${amount}"
        data-currency="${currency}" data-digits="${digits}"/>`;

const page = (boxes, locale = "en-US") => `
    <form class="o_pbp_dues" data-locale="${locale}">
        ${boxes.join("")}
        <div class="o_pbp_all" hidden="hidden">
            <input type="checkbox" id="o_pbp_all"/>
        </div>
        <button type="submit" class="o_pbp_pay_selected">
            Pay <span class="o_pbp_sum"></span>
        </button>
    </form>`;

const EUROS = [box(100.1, "EUR", 2), box(50.2, "EUR", 2)];

const sum = () => queryOne(".o_pbp_sum").textContent.replace(/\s/g, " ");

test("says what the chosen ones come to", async () => {
    await startInteractions(page(EUROS));
    expect("button").toHaveProperty("disabled", true);
    expect(".o_pbp_all").toHaveProperty("hidden", false);
    await click("[name=due]:first");
    expect("button").toHaveProperty("disabled", false);
    expect(sum()).toBe("€100.10");
    expect("#o_pbp_all").toHaveProperty("indeterminate", true);
    await click("[name=due]:last");
    expect(sum()).toBe("€150.30");
    expect("#o_pbp_all").toHaveProperty("indeterminate", false);
    expect("#o_pbp_all").toHaveProperty("checked", true);
});

test("chooses all, and none", async () => {
    await startInteractions(page(EUROS, "fr-FR"));
    await click("#o_pbp_all");
    expect("[name=due]:checked").toHaveCount(2);
    expect(sum()).toBe("150,30 €");
    await click("#o_pbp_all");
    expect("[name=due]:checked").toHaveCount(0);
    expect(sum()).toBe("");
    expect("button").toHaveProperty("disabled", true);
});

test("adds up no currencies", async () => {
    await startInteractions(
        page([...EUROS, box(1000, "JPY", 0), box(1.005, "KWD", 3)])
    );
    await click("#o_pbp_all");
    expect(sum()).toBe("€150.30 + ¥1,000 + KWD 1.005");
});

test("one row needs no box for all", async () => {
    await startInteractions(page(EUROS.slice(1)));
    expect(".o_pbp_all").toHaveProperty("hidden", true);
    await click("[name=due]");
    expect(sum()).toBe("€50.20");
});

test("a list without anything to choose is left alone", async () => {
    const {core} = await startInteractions(`<form class="o_pbp_dues"></form>`);
    expect(core.interactions).toHaveLength(1);
});
