import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";

// From the home page to one's own service as clients see it.
const MAX_CLICKS = 8;

function getTrySteps() {
    return [
        {
            content: "Save",
            trigger: ".o_form_button_save:visible",
            run: "click",
        },
        {
            content: "It opens in a new tab, where a tour cannot follow: use this one",
            trigger: ".o_form_saved button[name=action_try]",
            run() {
                browser.open = (url) => {
                    browser.location.assign(url);
                    return window;
                };
            },
        },
        {
            content: "Try it as a client",
            trigger: "button[name=action_try]:enabled",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It can be booked",
            trigger: ".o_pbp_slots a",
        },
    ];
}

function getSteps() {
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
            content: "Open the configuration",
            trigger:
                "button[data-menu-xmlid='payment_booking_portal.menu_configuration']",
            run: "click",
        },
        {
            content: "Open the services",
            trigger: "[data-menu-xmlid='payment_booking_portal.menu_services']",
            run: "click",
        },
        {
            content: "Make a new one",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Say what it is",
            trigger: "[name=name] input, [name=name] textarea",
            run: "edit Hot stones",
        },
        {
            content: "Say how long it takes",
            trigger: "[name=duration] input",
            run: "edit 75",
        },
        {
            content: "Say what it costs",
            trigger: "[name=price] input",
            run: "edit 85",
        },
        ...getTrySteps(),
    ];
}

// From the home page over the list of what is to do, whatever the language.
function getStartSteps() {
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
            content: "It opens on the list; the address is missing",
            trigger:
                ".o_pbp_setup_head:has(.progress) ~ .o_kanban_record .o_pbp_setup_tick[data-step=business]:not(.o_pbp_setup_done)",
        },
        {
            content: "Introduce the business",
            trigger: ".o_pbp_setup_button[data-step=business] button.btn-primary",
            run: "click",
        },
        {
            content: "Say where it is",
            trigger: ".modal [name=street] input",
            run: "edit Rue Haute 1",
        },
        {
            content: "Say in which city",
            trigger: ".modal [name=city] input",
            run: "edit Brussels",
        },
        {
            content: "Save",
            trigger: ".modal button[name=action_save]",
            run: "click",
        },
        {
            content: "It is ticked",
            trigger: ".o_pbp_setup_tick.o_pbp_setup_done[data-step=business]",
        },
        {
            content: "Make the first service",
            trigger: ".o_pbp_setup_button[data-step=service] button",
            run: "click",
        },
        {
            content: "Say what it is",
            trigger: "[name=name] input, [name=name] textarea",
            run: "edit Hot stones",
        },
        {
            content: "Say how long it takes",
            trigger: "[name=duration] input",
            run: "edit 75",
        },
        {
            content: "Say what it costs",
            trigger: "[name=price] input",
            run: "edit 85",
        },
        ...getTrySteps(),
    ];
}

function checkClicks(steps) {
    const clicks = steps.filter(({run}) => run === "click").length;
    if (clicks > MAX_CLICKS) {
        throw new Error(`${clicks} clicks are too many`);
    }
    return steps;
}

registry
    .category("web_tour.tours")
    .add("payment_booking_portal.manager_first_service", {
        steps: () => checkClicks(getSteps()),
    })
    .add("payment_booking_portal.manager_getting_started", {
        steps: () => checkClicks(getStartSteps()),
    });
