import {registry} from "@web/core/registry";

/** Texts are matched nowhere: the same tours run in every language. */

/** @param {String} slug start of the name of the service, in its address */
function chooseService(slug) {
    return [
        {
            content: "Choose a service",
            trigger: `.o_pbp_services a[href*="/book/${slug}"]`,
            run: "click",
            expectUnloadPage: true,
        },
    ];
}

function chooseTime() {
    return [
        {
            content: "Choose the last free day of the month",
            trigger:
                "#o_pbp_swap .o_pbp_month tr:has(a.o_pbp_day):last a.o_pbp_day:last",
            run: "click",
        },
        {
            content: "The day is chosen, and its times are shown",
            trigger: "#o_pbp_swap:not([aria-busy]) a.o_pbp_day[aria-current=date]:last",
            run() {
                const title = document.querySelector("#o_pbp_times_title");
                const chosen = document.querySelectorAll("a.o_pbp_day[aria-current]");
                if (chosen.length !== 1) {
                    throw new Error(`${chosen.length} days are chosen`);
                }
                if (!title.textContent.includes(chosen[0].textContent.trim()[0])) {
                    throw new Error(`The times are of ${title.textContent}`);
                }
            },
        },
        {
            content: "Choose a time",
            trigger: ".o_pbp_slots li:last a",
            run: "click",
            expectUnloadPage: true,
        },
    ];
}

function fillDetails() {
    return [
        {
            content: "Say one's name",
            trigger: ".o_pbp_details input[name=name]",
            run: "edit Marie Curie",
        },
        {
            content: "Say one's e-mail address",
            trigger: ".o_pbp_details input[name=email]",
            run: "edit marie@example.com",
        },
        {
            content: "Say one's phone number",
            trigger: ".o_pbp_details input[name=phone]",
            run: "edit +32 2 555 02 02",
        },
        {
            content: "Book",
            trigger: ".o_pbp_details button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
    ];
}

/** @param {String} state what the demonstration provider shall answer */
function pay(state = "done") {
    return [
        {
            content: "Choose the demonstration provider",
            trigger: "input[name=o_payment_radio][data-provider-code=demo]",
            run: "check",
        },
        {
            content: "Say with what one pays",
            trigger: "#customer_input",
            run: "edit 4242424242424242",
        },
        {
            content: "Say what shall come of it",
            trigger: "#simulated_payment_state",
            run: `select ${state}`,
        },
        {
            content: "Pay",
            trigger: "button[name=o_payment_submit_button]:enabled",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Odoo's own status page sends us on",
            trigger: "[name=o_payment_status]",
            run: () => null,
            expectUnloadPage: true,
        },
    ];
}

function isBooked(selector = ".o_pbp_booked") {
    return [{content: "It is booked", trigger: selector}];
}

function add(name, steps) {
    registry.category("web_tour.tours").add(`payment_booking_portal.${name}`, {steps});
}

add("guest_pays", () => [
    ...chooseService("haircut"),
    ...chooseTime(),
    ...fillDetails(),
    {
        content: "The time is held, and a clock says how long",
        trigger: ".o_pbp_deadline .o_pbp_remaining:contains(:)",
    },
    ...pay(),
    ...isBooked(".o_pbp_booked_paid"),
]);

add("guest_pays_in_french", () => [
    {
        content: "The page is in French",
        trigger: "html[lang=fr-FR] .o_pbp_services",
    },
    ...chooseService("haircut"),
    {
        content: "So is its calendar",
        trigger: "html[lang=fr-FR] .o_pbp_month_head h2",
        run() {
            const months = Array.from({length: 12}, (_, month) =>
                new Date(2026, month, 15).toLocaleDateString("fr", {month: "long"})
            );
            const [month] = this.anchor.textContent.trim().split(" ");
            if (!months.includes(month.toLowerCase())) {
                throw new Error(`${month} is no month in French`);
            }
            const monday = document.querySelector(".o_pbp_month th abbr").title;
            if (monday !== "lundi") {
                throw new Error(`A week begins with ${monday}`);
            }
        },
    },
    ...chooseTime(),
    {
        content: "So are the details, with times such as 16:30",
        trigger: "html[lang=fr-FR] .o_pbp_summary",
        run() {
            const text = this.anchor.textContent;
            if (!/\b1\d:[03]0\b/.test(text) || /\b[AP]M\b/.test(text)) {
                throw new Error(`No time of France: ${text}`);
            }
        },
    },
    ...fillDetails(),
    {content: "So is the pay page", trigger: "html[lang=fr-FR] .o_pbp_deadline"},
    ...pay(),
    ...isBooked("html[lang=fr-FR] .o_pbp_booked_paid"),
]);

add("guest_books_free", () => [
    ...chooseService("first-talk"),
    ...chooseTime(),
    ...fillDetails(),
    ...isBooked(".o_pbp_booked:not(.o_pbp_booked_paid)"),
]);

add("guest_pays_later", () => [
    ...chooseService("massage"),
    ...chooseTime(),
    ...fillDetails(),
    {
        content: "It is booked; think about paying now",
        trigger: ".o_pbp_booked:not(.o_pbp_booked_paid) a[href*='/pay/']",
        run: "click",
        expectUnloadPage: true,
    },
    {
        content: "No clock runs; pay later",
        trigger: ".o_pbp:not(:has(.o_pbp_deadline)) .o_pbp_later",
        run: "click",
        expectUnloadPage: true,
    },
    ...isBooked(".o_pbp_booked:not(.o_pbp_booked_paid)"),
]);

add("guest_is_too_slow", () => [
    ...fillDetails(),
    {
        content: "Someone was quicker; take the nearest other time",
        trigger: ".o_pbp_end_taken .o_pbp_nearest li:nth-child(3)",
        run() {
            if (document.querySelectorAll(".o_pbp_nearest li").length !== 3) {
                throw new Error("Not three other times");
            }
        },
    },
    {
        content: "Take the nearest",
        trigger: ".o_pbp_nearest li:first-child a",
        run: "click",
        expectUnloadPage: true,
    },
    {
        content: "What was typed is kept; book",
        trigger: ".o_pbp_details:has(input[name=name]:value(Marie Curie)) button",
        run: "click",
        expectUnloadPage: true,
    },
    {content: "The time is held", trigger: ".o_pbp_deadline"},
]);

add("guest_is_declined", () => [
    ...pay("error"),
    {
        content: "It did not go through, and the time is still held; try again",
        trigger: ".o_pbp_end_declined:has(strong) a.btn-primary",
        run: "click",
        expectUnloadPage: true,
    },
    {content: "The pay page knows of it", trigger: ".o_pbp_pay_failed[role=alert]"},
    ...pay(),
    ...isBooked(".o_pbp_booked_paid"),
]);

add("guest_transfers", () => [
    {
        content: "Choose the bank transfer",
        trigger: "input[name=o_payment_radio][data-provider-code=custom]",
        run: "check",
    },
    {
        content: "Pay",
        trigger: "button[name=o_payment_submit_button]:enabled",
        run: "click",
        expectUnloadPage: true,
    },
    {
        content: "Odoo's own status page sends us on",
        trigger: "[name=o_payment_status]",
        run: () => null,
        expectUnloadPage: true,
    },
    {
        content: "Account, amount and reference are there; copy the reference",
        trigger: ".o_pbp_end_transfer:contains('BE71 0961 2345 6769') .o_pbp_copy",
        run() {
            const rows = document.querySelectorAll(
                ".o_pbp_transfer dd:has(.o_pbp_copy)"
            );
            const reference = [...rows].at(-1);
            const {copy} = reference.querySelector(".o_pbp_copy").dataset;
            const shown = reference.querySelector("code").textContent;
            if (rows.length !== 3 || !copy || copy !== shown) {
                throw new Error(`${shown} would be copied as ${copy}`);
            }
        },
    },
]);

add("guest_moves", () => [
    {
        content: "Move",
        trigger: ".o_pbp_actions a[href$='/move']",
        run: "click",
        expectUnloadPage: true,
    },
    ...chooseTime(),
    {
        content: "Nothing has happened yet: say yes",
        trigger: "form[action$='/move'] button[type=submit]",
        run: "click",
        expectUnloadPage: true,
    },
    ...isBooked(),
]);

add("guest_cancels", () => [
    {
        content: "Cancel",
        trigger: ".o_pbp_actions a[href$='/cancel']",
        run: "click",
        expectUnloadPage: true,
    },
    {
        content: "Think twice",
        trigger: "form[action$='/cancel'] a",
        run: "click",
        expectUnloadPage: true,
    },
    {
        content: "Cancel",
        trigger: ".o_pbp_actions a[href$='/cancel']",
        run: "click",
        expectUnloadPage: true,
    },
    {
        content: "Nothing has happened yet: say yes",
        trigger: "form[action$='/cancel'] button[type=submit]",
        run: "click",
        expectUnloadPage: true,
    },
    {content: "It is cancelled", trigger: ".o_pbp_end_cancelled"},
]);
