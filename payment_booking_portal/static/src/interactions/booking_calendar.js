import {Interaction} from "@web/public/interaction";
import {browser} from "@web/core/browser/browser";
import {cookie} from "@web/core/browser/cookie";
import {registry} from "@web/core/registry";

/**
 * Changes day, month, person or time zone without loading the whole page. Every link and
 * form works without this script too: it fetches the same address and swaps the calendar.
 */
export class BookingCalendar extends Interaction {
    static selector = "#o_pbp_swap";
    dynamicContent = {
        "[data-pbp-swap]": {"t-on-click": this.onClick},
        "[data-pbp-submit]": {"t-on-change": this.onChange},
        _window: {"t-on-popstate": this.onPopState},
    };

    setup() {
        document.documentElement.classList.add("o_pbp_js");
        this.last = 0;
    }

    start() {
        this.detectTimeZone();
    }

    /**
     * Show the times in the browser's zone, unless the visitor has chosen one, or the
     * service takes place where the business is.
     */
    detectTimeZone() {
        const zone = this.getTimeZone();
        if (!zone || !this.el.dataset.detectTz) {
            return;
        }
        const known = cookie.get("tz");
        if (known !== zone) {
            cookie.set("tz", zone);
        }
        const chosen = new URL(browser.location.href).searchParams.has("tz");
        if (!chosen && zone !== this.el.dataset.tz && known !== zone) {
            this.swap(browser.location.href, null);
        }
    }

    getTimeZone() {
        return new Intl.DateTimeFormat().resolvedOptions().timeZone;
    }

    onClick(ev) {
        if (ev.ctrlKey || ev.metaKey || ev.shiftKey || ev.button) {
            return;
        }
        ev.preventDefault();
        const link = ev.currentTarget;
        this.swap(link.href, link.dataset.pbpSwap, true);
    }

    onChange(ev) {
        const form = ev.currentTarget.form;
        const url = new URL(form.action, browser.location.href);
        for (const [name, value] of new FormData(form)) {
            if (value) {
                url.searchParams.set(name, value);
            }
        }
        this.swap(url.href, ev.currentTarget.id, true);
    }

    onPopState() {
        this.swap(browser.location.href, null);
    }

    /**
     * Fetch a page and put its calendar in the place of this one.
     *
     * @param {String} url address of the page
     * @param {String|null} focus id of what the keyboard goes on from
     * @param {Boolean} push whether the address becomes part of the history
     */
    async swap(url, focus, push = false) {
        const turn = ++this.last;
        this.el.setAttribute("aria-busy", "true");
        let response = null;
        let html = "";
        try {
            response = await this.waitFor(fetch(url, {redirect: "follow"}));
            html = await this.waitFor(response.text());
        } catch {
            if (turn === this.last) {
                // The network is cut: let the browser say so, and offer to try again.
                browser.location.assign(url);
            }
            return;
        }
        if (turn !== this.last) {
            return; // a later click was quicker
        }
        const page = new DOMParser().parseFromString(html, "text/html");
        const fresh = page.querySelector("#o_pbp_swap");
        if (!fresh) {
            browser.location.assign(url);
            return;
        }
        if (push) {
            // Where it was led to, such as the page in the visitor's language.
            browser.history.pushState({}, "", response.url || url);
        }
        this.el.dataset.tz = fresh.dataset.tz;
        this.el.replaceChildren(...fresh.childNodes);
        this.el.removeAttribute("aria-busy");
        this.updateContent();
        this.moveFocus(focus);
    }

    /**
     * What had the focus is gone with the old calendar.
     *
     * @param {String|null} focus id of what gets it
     */
    moveFocus(focus) {
        const month = this.el.querySelector("#o_pbp_month_title");
        if (focus) {
            // There is no button beyond the first and the last month.
            (this.el.querySelector(`#${CSS.escape(focus)}`) || month)?.focus();
        }
        const said = document.querySelector("#o_pbp_said");
        if (said && month) {
            said.textContent = month.textContent;
        }
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal.booking_calendar", BookingCalendar);
