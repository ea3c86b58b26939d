import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";

/**
 * What is only found by its text, and what else must be read in each language.
 *
 * @typedef {Object} Words
 */
const WORDS = {
    en_US: {
        invoice: "Invoice",
        makeInvoice: "Make an invoice",
        madeInvoice: "is made",
        overdue: "Overdue",
        receiptSent: "The receipt was sent again",
        summary: "Sent: 2. Left out: 1.",
        terminal: "Card terminal",
    },
    fr_FR: {
        invoice: "Facture",
        makeInvoice: "Faire une facture",
        madeInvoice: "est faite",
        overdue: "En retard",
        receiptSent: "Le reçu a été renvoyé",
        summary: "Envoyés : 2. Laissés de côté : 1.",
        terminal: "Terminal de paiement",
    },
};

/**
 * Add a tour in each language, with the same steps.
 *
 * @param {String} name of the tour; the language follows it
 * @param {Function} steps takes the words of the language
 */
function add(name, steps) {
    for (const [lang, words] of Object.entries(WORDS)) {
        registry
            .category("web_tour.tours")
            .add(`payment_booking_portal.${name}_${lang}`, {
                steps: () => steps(words),
            });
    }
}

function openPayments(name) {
    return [
        {
            content: "Open the payments",
            trigger: "button[data-menu-xmlid='payment_booking_portal.menu_payments']",
            run: "click",
        },
        {
            content: `Open ${name}`,
            trigger: `[data-menu-xmlid='payment_booking_portal.${name}']`,
            run: "click",
        },
    ];
}

function filterOverdue({overdue}) {
    return [
        {
            content: "All that is to collect is in the list",
            trigger: ".o_data_row:contains(Later)",
        },
        {
            content: "Open the filters",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
        {
            content: "Only what is overdue",
            trigger: `.o_filter_menu .o_menu_item:text(${overdue})`,
            run: "click",
        },
        {
            content: "What is not due yet is gone",
            trigger: ".o_list_view:not(:has(.o_data_row:contains(Later)))",
        },
        {
            content: "Close the filters",
            trigger: ".o_searchview_dropdown_toggler",
            run: "click",
        },
    ];
}

function tick(client) {
    return {
        content: `Tick ${client}`,
        trigger: `.o_data_row:contains(${client}) .o_list_record_selector input`,
        run: "click",
    };
}

/** Record all that is due, taken by card. */
function recordByCard() {
    return [
        {
            content: "By card",
            trigger: ".modal [name=method] .o_radio_item:eq(1) input",
            run: "click",
        },
        {
            content: "Record it",
            trigger: ".modal button[name=action_record]",
            run: "click",
        },
    ];
}

add("staff_collects_invoice", (words) => [
    ...openPayments("menu_to_collect"),
    ...filterOverdue(words),
    {
        content: "Open the invoice",
        trigger: ".o_data_row:contains(Olga) [name=name]",
        run: "click",
    },
    {
        content: "It says what it is",
        trigger: `.modal [name=source]:contains(${words.invoice})`,
    },
    {
        content: "The client pays it",
        trigger: ".modal button[name=action_record_payment]",
        run: "click",
    },
    {
        content: "All that is due is proposed",
        trigger:
            ".modal [name=amount] input:value(120.00), .modal [name=amount] input:value(120,00)",
    },
    ...recordByCard(),
    {
        content: "It is gone from the list, others are not",
        trigger:
            "body:not(:has(.modal)) .o_list_view:has(.o_data_row:contains(Paul)):not(:has(.o_data_row:contains(Olga)))",
    },
    ...openPayments("menu_received"),
    {
        content: "It came by card",
        trigger: `.o_data_row:contains(Olga) [name=method]:contains(${words.terminal})`,
    },
    {
        content: "For this invoice",
        trigger: ".o_data_row:contains(Olga) [name=document]:contains(INV/)",
    },
    {
        content: "It is an invoice",
        trigger: `.o_data_row:contains(Olga) [name=source]:contains(${words.invoice})`,
    },
    {
        content: "The receipt can be seen",
        trigger: ".o_data_row:contains(Olga) button[name=action_print_receipt]",
    },
    {
        content: "Send the receipt again",
        trigger: ".o_data_row:contains(Olga) button[name=action_send_receipt]",
        run: "click",
    },
    {
        content: "It is sent",
        trigger: `.o_notification:contains(${words.receiptSent}):contains(olga@example.com)`,
    },
]);

add("staff_reminds", (words) => [
    ...openPayments("menu_to_collect"),
    ...filterOverdue(words),
    tick("Olga"),
    tick("Paul"),
    tick("Nadia"),
    {
        content: "Remind them",
        trigger: ".o_control_panel button[name=action_send_reminder]",
        run: "click",
    },
    {
        content: "Who has no address is left out",
        trigger: ".modal .alert-warning [name=left_out]:contains(Nadia)",
    },
    {
        content: "A few words for all",
        trigger: ".modal [name=note] textarea",
        run: "edit See you soon!",
    },
    {
        content: "What does Olga get?",
        trigger: ".modal .o_data_row:contains(Olga) button[name=action_preview]",
        run: "click",
    },
    {
        content: "A mail with our words",
        trigger: ".modal [name=body] :iframe body:contains(See you soon!)",
    },
    {
        content: "And with its button",
        trigger: ".modal [name=body] :iframe a[href*='/pay/']:contains(120)",
    },
    {
        content: "Back to all of them",
        trigger: ".modal button[name=action_back]",
        run: "click",
    },
    {
        content: "Our words are still there",
        trigger: ".modal [name=note] textarea:value(See you soon!)",
    },
    {
        content: "Send",
        trigger: ".modal button[name=action_send]",
        run: "click",
    },
    {
        content: "It says what was sent, and who was left out",
        trigger: `.modal:contains(Nadia) .modal-title:contains(${words.summary})`,
    },
    {
        content: "Read",
        trigger: ".modal .modal-footer .btn-primary",
        run: "click",
    },
    {
        content: "Nobody is ticked any more",
        trigger:
            "body:not(:has(.modal)) .o_list_view:has(.o_data_row:contains(Nadia)):not(:has(.o_data_row_selected))",
    },
    {
        ...tick("Paul"),
        content: "Paul asked for time",
    },
    {
        content: "Let reminders wait",
        trigger: ".o_control_panel button[name=action_snooze_reminders]",
        run: "click",
    },
    {
        content: "Only his",
        trigger: ".modal [name=names]:contains(Paul):not(:contains(Olga))",
    },
    {
        content: "For two weeks",
        trigger: ".modal button[name=action_snooze]",
        run: "click",
    },
    {
        content: "Open what Olga owes",
        trigger: "body:not(:has(.modal)) .o_data_row:contains(Olga) [name=name]",
        run: "click",
    },
    {
        content: "It says when she was reminded",
        trigger: ".modal [name=last_reminder]",
    },
    {
        content: "Go to her",
        trigger: ".modal button[name=action_view_partner]",
        run: "click",
    },
    {
        content: "Her tab Payments is open",
        trigger:
            "body:not(:has(.modal)) [name=payment_tab_overdue_ids] .o_data_row:contains(INV/)",
    },
    {
        content: "Open her reminders",
        trigger: "button[name=action_view_reminders]",
        run: "click",
    },
    {
        content: "It is in the history",
        trigger: ".o_data_row:contains(Olga) [name=state] .text-bg-success",
    },
    {
        content: "With its document",
        trigger: ".o_data_row:contains(Olga) [name=documents]:contains(INV/)",
    },
]);

let copied = "";

add("staff_invoices_bookings", (words) => [
    {
        content: "Tick one booking",
        trigger: ".o_data_row:contains(Olga):first .o_list_record_selector input",
        run: "click",
    },
    {
        content: "Tick the other one",
        trigger: ".o_data_row:contains(Olga):last .o_list_record_selector input",
        run: "click",
    },
    {
        content: "Open the actions",
        trigger: ".o_control_panel_actions button[data-hotkey=u]",
        run: "click",
    },
    {
        content: "Make an invoice",
        trigger: `.o-dropdown--menu .o_menu_item:contains(${words.makeInvoice})`,
        run: "click",
    },
    {
        content: "Both are in the sum",
        trigger: ".modal [name=amount_total]:contains(105)",
    },
    {
        content: "Both are in the list",
        trigger: ".modal .o_data_row:eq(1)",
    },
    {
        content: "Not this one",
        trigger: ".modal .o_data_row:contains(45) .o_list_record_remove button",
        run: "click",
    },
    {
        content: "It is not in the sum any more",
        trigger: ".modal [name=amount_total]:contains(60)",
    },
    {
        content: "Begin again",
        trigger: ".modal .modal-footer button[special=cancel]",
        run: "click",
    },
    {
        content: "Nothing is ticked any more",
        trigger: "body:not(:has(.modal)) .o_list_view:not(:has(.o_data_row_selected))",
    },
    {
        content: "Tick all",
        trigger: "thead .o_list_record_selector input",
        run: "click",
    },
    {
        content: "Open the actions again",
        trigger: ".o_control_panel_actions button[data-hotkey=u]",
        run: "click",
    },
    {
        content: "Make an invoice of both",
        trigger: `.o-dropdown--menu .o_menu_item:contains(${words.makeInvoice})`,
        run: "click",
    },
    {
        content: "Make it",
        trigger:
            ".modal:has([name=amount_total]:contains(105)) button[name=action_make_invoice]",
        run: "click",
    },
    {
        content: "It is made",
        trigger: `.o_notification:contains(${words.madeInvoice})`,
    },
    ...openPayments("menu_to_collect"),
    {
        content: "Both are owed once: as the invoice",
        trigger:
            ".o_list_view:has(.o_data_row:contains(Olga):contains(105)):not(:has(.o_data_row:contains(Olga):eq(1)))",
    },
    {
        content: "Open it",
        trigger: ".o_data_row:contains(Olga) [name=name]",
        run: "click",
    },
    {
        content: "Go to the client",
        trigger: ".modal button[name=action_view_partner]",
        run: "click",
    },
    {
        content: "Her tab says what she owes",
        trigger: "body:not(:has(.modal)) [name=payment_tab_dues]:contains(105)",
    },
    {
        content: "Send her the link",
        trigger: ".o_data_row:contains(INV/) button[name=action_send_link]",
        run: "click",
    },
    {
        content: "It is sent",
        trigger: ".o_notification:contains(olga@example.com)",
    },
    {
        content: "Remind her",
        trigger: ".o_data_row:contains(INV/) button[name=action_send_reminder]",
        run: "click",
    },
    {
        content: "It goes to her alone",
        trigger: ".modal [name=recipient]:contains(olga@example.com)",
    },
    {
        content: "Send it",
        trigger: ".modal button[name=action_send]",
        run: "click",
    },
    {
        content: "It is in her history; copy the link to her statement",
        trigger:
            "body:not(:has(.modal)):has(button[name=action_view_reminders]) button[name=action_copy_statement_link]",
        async run(helpers) {
            browser.navigator.clipboard.writeText = async (text) => {
                copied = text;
            };
            await helpers.click();
        },
    },
    {
        content: "It is copied",
        trigger: "body",
        async run() {
            for (let moment = 0; moment < 100 && !copied; moment++) {
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
            if (!copied.includes("/statement/")) {
                throw new Error(`Copied "${copied}"`);
            }
        },
    },
    {
        content: "She pays at the desk",
        trigger: ".o_data_row:contains(INV/) button[name=action_record_payment]",
        run: "click",
    },
    ...recordByCard(),
    {
        content: "She owes nothing",
        trigger:
            "body:not(:has(.modal)) [name=payment_tab_paid_ids] .o_data_row:contains(INV/) [name=status] .text-bg-success",
    },
    {
        content: "Open her bookings",
        trigger: "button[name=action_view_payment_bookings]",
        run: "click",
    },
    {
        content: "Open one",
        trigger: ".o_data_row:contains(Olga):first [name=service_id]",
        run: "click",
    },
    {
        content: "It cannot be invoiced twice",
        trigger:
            ".o_form_view:has(button[name=action_send_receipt]):not(:has(button[name=action_invoice]))",
    },
    {
        content: "Send the receipt again",
        trigger: "button[name=action_send_receipt]",
        run: "click",
    },
    {
        content: "The receipt is sent",
        trigger: `.o_notification:contains(${words.receiptSent}):contains(olga@example.com)`,
    },
]);
