import {Interaction} from "@web/public/interaction";
import {registry} from "@web/core/registry";
import {rpc} from "@web/core/network/rpc";

// A page that somebody saw this long was opened; what fetches links does not stay.
const VISIBLE = 2000;

/**
 * Tells the server that a person looks at the page: a fetched, prefetched or hidden page
 * is not opened.
 */
export class PageOpened extends Interaction {
    static selector = "[data-opened-url]";
    dynamicContent = {
        _document: {"t-on-visibilitychange": () => this.plan()},
    };

    setup() {
        this.timer = null;
    }

    start() {
        this.plan();
    }

    plan() {
        clearTimeout(this.timer);
        if (!this.told && document.visibilityState === "visible") {
            this.timer = this.waitForTimeout(() => this.tell(), VISIBLE);
        }
    }

    tell() {
        this.told = true;
        // The client need not know whether that worked.
        rpc(this.el.dataset.openedUrl, {}, {silent: true}).catch(() => undefined);
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal.page_opened", PageOpened);
