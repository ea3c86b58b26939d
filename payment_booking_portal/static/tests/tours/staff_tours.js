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
