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

// From the home page to the code of a widget, and what the preview shows on the way.
const PREVIEW = ".o_payment_preview :iframe";
let copied = "";

function getWidgetSteps() {
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
            content: "Open what is online",
            trigger:
                "button[data-menu-xmlid='payment_booking_portal.menu_online_presence']",
            run: "click",
        },
        {
            content: "Open the widgets",
            trigger: "[data-menu-xmlid='payment_booking_portal.menu_widgets']",
            run: "click",
        },
        {
            content: "There is none: it says what belongs there",
            trigger: ".o_view_nocontent_smiling_face",
        },
        {
            content: "Make one",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Say which",
            trigger: "[name=name] input, [name=name] textarea",
            run: "edit Home page",
        },
        {
            content: "See what opens",
            trigger: `${PREVIEW} .o_pbp_mock_opens:contains(Haircut)`,
        },
        {
            content: "Clients find their account",
            trigger: ".o_field_widget[name=can_account] input",
            run: "click",
        },
        {
            content: "See it, before it is saved",
            trigger: `${PREVIEW} .o_pbp_mock_opens:has(.fa-user-o)`,
        },
        {
            content: "Choose a colour",
            trigger: "input[id^=color]:not([type=color])",
            run: "edit #aa3355",
        },
        {
            content: "Type what the button says",
            trigger: ".o_field_widget[name=button_label] input",
            run: "edit See you soon",
        },
        {
            content: "See it while it is typed",
            trigger: `${PREVIEW} a:contains(See you soon)`,
            run() {
                const {backgroundColor} = getComputedStyle(this.anchor);
                if (backgroundColor !== "rgb(170, 51, 85)") {
                    throw new Error(`The button is ${backgroundColor}`);
                }
            },
        },
        {
            content: "Look at it on a desktop",
            trigger: ".o_payment_preview [data-screen=desktop][aria-pressed=false]",
            run: "click",
        },
        {
            content: "It is as wide as one",
            trigger: ".o_payment_preview:has([data-screen=desktop][aria-pressed=true])",
            run() {
                const frame = this.anchor.querySelector("iframe");
                const {width} = frame.getBoundingClientRect();
                if (frame.clientWidth !== 1280 || width > this.anchor.clientWidth + 2) {
                    throw new Error(
                        `${frame.clientWidth} wide, ${width} on the screen`
                    );
                }
            },
        },
        {
            content: "Name the website",
            trigger: ".o_field_widget[name=allowed_sites] textarea",
            run: "edit https://www.studio.example",
        },
        {
            content: "Save",
            trigger: ".o_form_button_save:visible",
            run: "click",
        },
        {
            content: "See the widget itself",
            trigger: `${PREVIEW} payment-booking[label='See you soon'][color='#aa3355']`,
        },
        {
            content: "Copy the code",
            trigger: ".o_payment_copy_code:visible",
            async run(helpers) {
                browser.navigator.clipboard.writeText = async (text) => {
                    copied = text;
                };
                await helpers.click();
            },
        },
        {
            content: "It is copied",
            trigger: ".o_payment_embed code:visible",
            async run() {
                for (let moment = 0; moment < 100 && !copied; moment++) {
                    await new Promise((resolve) => setTimeout(resolve, 50));
                }
                if (copied !== this.anchor.textContent) {
                    throw new Error(`Copied "${copied}"`);
                }
            },
        },
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
    })
    .add("payment_booking_portal.manager_makes_widget", {steps: getWidgetSteps});
