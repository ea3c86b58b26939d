import {registry} from "@web/core/registry";

/** Texts are matched nowhere: the same tours run in every language. */

/** @param {String} amounts what the button says, without marks and spaces */
function checkSum(amounts) {
    return {
        content: `The button says ${amounts || "nothing"}`,
        trigger: ".o_pbp_pay_selected",
        run() {
            const text = document.querySelector(".o_pbp_sum").textContent;
            const digits = text.replace(/[^0-9+]/g, "");
            if (digits !== amounts) {
                throw new Error(`The button says ${text}`);
            }
        },
    };
}

registry.category("web_tour.tours").add("payment_booking_portal.client_pays_several", {
    steps: () => [
        {
            content: "What is to pay is counted on the home page",
            trigger:
                ".o_portal_index_card:not(.d-none) [data-placeholder_count=payment_due_count]",
        },
        {
            content: "Go to the payments",
            trigger: ".o_portal_index_card:not(.d-none) a[href='/my/payments']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Nothing is chosen yet",
            trigger: ".o_pbp_pay_selected:disabled",
        },
        {
            content: "Choose all",
            trigger: "#o_pbp_all",
            run: "click",
        },
        {
            content: "All are chosen",
            trigger: ".o_pbp_pay_selected:enabled",
        },
        checkSum("21000"),
        {
            content: "Not the first one",
            trigger: ".o_pbp_due_rows li:first [name=due]",
            run: "click",
        },
        checkSum("11000"),
        {
            content: "All but one are chosen",
            trigger: "#o_pbp_all:not(:checked):indeterminate",
        },
        {
            content: "The first one again, by its name",
            trigger: ".o_pbp_due_rows li:first label[for]",
            run: "click",
        },
        checkSum("21000"),
        {
            content: "Pay",
            trigger: ".o_pbp_pay_selected:enabled",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "What is paid of what is said before",
            trigger: ".o_pbp_summary dl:has(dd:nth-of-type(3))",
        },
        {
            content: "Choose the demonstration",
            trigger: "input[name=o_payment_radio]",
            run: "click",
        },
        {
            content: "Type a number of a card",
            trigger: "#customer_input",
            run: "edit 4242424242424242",
        },
        {
            content: "Pay",
            trigger: "button[name=o_payment_submit_button]:enabled",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "And afterwards",
            trigger:
                ".o_pbp_receipt + .o_pbp_summary dl:has(dd:nth-of-type(3)) .o_pbp_line_note",
        },
        {
            content: "Back to the list",
            trigger: ".o_pbp_list_links a[href='/my/payments']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Nothing is to pay any more",
            trigger: ".o_pbp_empty a[href*='filterby=paid']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "They are paid",
            trigger: ".o_pbp_due_rows li:nth-of-type(3) .o_pbp_paid",
        },
    ],
});
