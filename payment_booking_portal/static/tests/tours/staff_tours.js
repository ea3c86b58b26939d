import {formatDateTime} from "@web/core/l10n/dates";
import {registry} from "@web/core/registry";

const {DateTime} = luxon;

function openMenu(name) {
    return [
        {
            content: "Open the menu of all apps",
            trigger: ".o_navbar_apps_menu button",
            run: "click",
        },
        {
            content: "Open our app",
            trigger: ".o_app[data-menu-xmlid='payment_booking_portal.menu_root']",
            run: "click",
        },
        {
            content: `Open ${name}`,
            trigger: `[data-menu-xmlid='payment_booking_portal.${name}']`,
            run: "click",
        },
    ];
}

registry
    .category("web_tour.tours")
    .add("payment_booking_portal.staff_books_with_link", {
        steps: () => [
            ...openMenu("menu_today"),
            {
                content: "Somebody calls",
                trigger: ".o_list_button_add",
                run: "click",
            },
            {
                content: "Type the service",
                trigger: "[name=service_id] input",
                run: "edit Haircut",
            },
            {
                content: "Choose it",
                trigger: ".o-autocomplete--dropdown-item:contains(Haircut)",
                run: "click",
            },
            {
                content: "Type a name that is not known yet",
                trigger: "[name=partner_id] input",
                run: "edit Zoé Dubois",
            },
            {
                content: "Create the client on the spot",
                trigger: ".o_m2o_dropdown_option_create",
                run: "click",
            },
            {
                content: "Type the address",
                trigger: "[name=partner_email] input",
                run: "edit zoe@example.com",
            },
            {
                content: "Open the calendar of the start",
                trigger: "[name=start] input, [name=start] button",
                run: "click",
            },
            {
                content: "Type the start",
                trigger: "[name=start] input",
                async run(helpers) {
                    const day = DateTime.now().plus({days: 7}).set({
                        hour: 21,
                        minute: 10,
                        second: 0,
                    });
                    await helpers.edit(formatDateTime(day));
                    await helpers.press("Tab");
                },
            },
            {
                content: "The warning shows",
                trigger: ".alert-warning [name=time_warnings]",
            },
            {
                content: "Book",
                trigger: "button[name=action_ask_for_payment]:visible",
                run: "click",
            },
            {
                content: "Say something",
                trigger: ".modal [name=message] textarea",
                run: "edit See you soon!",
            },
            {
                content: "Ask for the payment",
                trigger: ".modal button[name=action_ask]",
                run: "click",
            },
            {
                content: "The time is kept",
                trigger: "body:not(:has(.modal)) .alert-info [name=hold_until]",
            },
        ],
    });

registry.category("web_tour.tours").add("payment_booking_portal.staff_today", {
    steps: () => [
        ...openMenu("menu_today"),
        {
            content: "Collect",
            trigger: ".o_data_row:contains(Zoé) button[name=action_record_payment]",
            run: "click",
        },
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
        {
            content: "Nothing is left to collect, and the client is here",
            trigger:
                "body:not(:has(.modal)) .o_data_row:contains(Zoé):not(:has(button[name=action_record_payment])) button[name=action_attended]",
            run: "click",
        },
        {
            content: "It is noted",
            trigger: ".o_data_row:contains(Zoé) [name=attendance] .text-bg-success",
        },
    ],
});

function openPaymentLinks() {
    return [
        ...openMenu("menu_today").slice(0, 2),
        {
            content: "Open the payments",
            trigger: "button[data-menu-xmlid='payment_booking_portal.menu_payments']",
            run: "click",
        },
        {
            content: "Open the payment links",
            trigger: "[data-menu-xmlid='payment_booking_portal.menu_payment_links']",
            run: "click",
        },
        {
            content: "The list is there",
            trigger: ".o_list_view .o_pbp_new, .o_view_nocontent .btn-primary",
        },
    ];
}

/** Choose a client with the keyboard. */
function typeClient(name) {
    return [
        {
            content: "Type the client",
            trigger: "[name=partner_id] input",
            run: `edit ${name}`,
        },
        {
            content: "The client is found",
            trigger: `.o-autocomplete--dropdown-item:first-child:contains(${name})`,
        },
        {
            content: "Take the first one",
            trigger: "[name=partner_id] input",
            run: "press Enter",
        },
        {
            content: "The client is chosen",
            trigger: "body:not(:has(.o-autocomplete--dropdown-menu))",
        },
    ];
}

// New, Send a payment link, Send, Send.
const CLICKS_TO_SEND = 4;

registry.category("web_tour.tours").add("payment_booking_portal.staff_sends_link", {
    steps: () => {
        const steps = [
            {
                content: "New",
                trigger: ".o_pbp_new",
                run: "click",
            },
            {
                content: "Send a payment link",
                trigger: ".o_pbp_new_link",
                run: "click",
            },
            ...typeClient("Zoé Client"),
            {
                content: "Type the amount",
                trigger: "[name=amount] input",
                run: "edit 75",
            },
            {
                content: "Send",
                trigger: "button[name=action_send]:visible",
                run: "click",
            },
            {
                content: "The mail has its button",
                trigger: ".modal [name=body] a[href*='/pay/']:contains(75)",
            },
            {
                content: "Send the mail",
                trigger: ".modal .o_mail_send:enabled",
                run: "click",
            },
            {
                content: "It is sent",
                trigger:
                    "body:not(:has(.modal)) .o_arrow_button_current[data-value=sent]",
            },
        ];
        const clicks = steps.filter(({run}) => run === "click").length;
        if (clicks > CLICKS_TO_SEND) {
            throw new Error(`${clicks} clicks to send a link`);
        }
        return [...openPaymentLinks(), ...steps];
    },
});

registry.category("web_tour.tours").add("payment_booking_portal.staff_records", {
    steps: () => [
        ...openPaymentLinks(),
        {
            content: "Open New with the keyboard",
            trigger: ".o_pbp_new",
            async run({anchor, press}) {
                anchor.focus();
                await press("Enter");
            },
        },
        {
            // The list takes the arrow keys of a button in its bar.
            content: "The first choice has the focus; go to the last one",
            trigger: ".o_pbp_new_link.focus:focus",
            run: "press ArrowUp",
        },
        {
            content: "Record a payment",
            trigger: ".o_pbp_new_record.focus",
            run: "press Enter",
        },
        ...typeClient("Zoé Client"),
        {
            content: "Type the amount",
            trigger: ".modal [name=amount] input",
            run: "edit 40",
        },
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
        {
            content: "It is paid",
            trigger: "body:not(:has(.modal)) .o_arrow_button_current[data-value=paid]",
        },
    ],
});

registry.category("web_tour.tours").add("payment_booking_portal.staff_matches", {
    steps: () => [
        ...openPaymentLinks(),
        {
            content: "Open what was paid",
            trigger: ".o_data_row [name=client_name]:contains(Zoé)",
            run: "click",
        },
        {
            content: "Match it with the open invoice",
            trigger: "button[name=action_match_payment_request]",
            run: "click",
        },
        {
            content: "The form says what it was matched with",
            trigger: "[name=matched_invoice_ids] .o_tag",
        },
        {
            content: "Nothing is left to match",
            trigger: "body:not(:has(button[name=action_match_payment_request]))",
        },
    ],
});
