import {Interaction} from "@web/public/interaction";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";

const KEY = "payment_booking_return";
// As long as a person needs to see it and to say no (WCAG 2.2.1).
const SECONDS = 20;

/**
 * @param {String} url
 * @returns {String} the page without what it is told
 */
function getPage(url) {
    return url.split("#")[0];
}

/** Remembers that the client of this tab came from a website, and has not paid yet. */
export class ReturnLater extends Interaction {
    static selector = ".o_pbp_return_unpaid";

    start() {
        try {
            browser.sessionStorage.setItem(KEY, getPage(this.el.href));
        } catch {
            // Then the client goes back by the button.
        }
    }
}

/**
 * Goes back to the website by itself, for a client who has just paid in this tab: not for
 * one who opens the page from a mail. Whatever the client does stops it.
 */
export class ReturnPage extends Interaction {
    static selector = ".o_pbp_returning";
    dynamicContent = {
        ".o_pbp_return_soon": {"t-att-hidden": () => !this.going},
        ".o_pbp_return_stay": {"t-on-click": () => this.stop()},
        ".o_pbp_return_left": {"t-out": () => `(${this.seconds})`},
        _document: {
            "t-on-keydown": () => this.stop(),
            "t-on-pointerdown": () => this.stop(),
            "t-on-touchstart": () => this.stop(),
            "t-on-wheel": () => this.stop(),
            "t-on-focusin": () => this.stop(),
        },
    };

    setup() {
        this.link = this.el.querySelector(".o_pbp_return");
        this.seconds = SECONDS;
        this.going = this.takeKey() === getPage(this.link.href);
    }

    start() {
        if (this.going) {
            this.waitForTimeout(() => this.tick(), 1000);
        }
    }

    /**
     * @returns {String|null} the page that the client of this tab came from, once
     */
    takeKey() {
        try {
            const page = browser.sessionStorage.getItem(KEY);
            browser.sessionStorage.removeItem(KEY);
            return page;
        } catch {
            return null;
        }
    }

    tick() {
        if (!this.going) {
            return;
        }
        this.seconds -= 1;
        this.updateContent();
        if (this.seconds > 0) {
            this.waitForTimeout(() => this.tick(), 1000);
        } else {
            browser.location.assign(this.link.href);
        }
    }

    stop() {
        this.going = false;
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal.return_later", ReturnLater)
    .add("payment_booking_portal.return_page", ReturnPage);
