import {Interaction} from "@web/public/interaction";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";

const URGENT_SECONDS = 120;

/** Counts down to the end of a hold; at zero the server says what comes next. */
export class HoldCountdown extends Interaction {
    static selector = ".o_pbp_deadline[data-seconds]";
    dynamicContent = {
        _root: {"t-att-class": () => ({o_pbp_urgent: this.isUrgent()})},
        ".o_pbp_remaining": {"t-out": () => this.format()},
    };

    setup() {
        // Seconds rather than a moment: the clock of a phone may be wrong.
        this.until = Date.now() + Number(this.el.dataset.seconds) * 1000;
    }

    start() {
        this.tick();
    }

    get seconds() {
        return Math.max(0, Math.round((this.until - Date.now()) / 1000));
    }

    isUrgent() {
        return this.seconds <= URGENT_SECONDS;
    }

    /**
     * @returns {String} the time left, nothing when it is more than an hour
     */
    format() {
        if (this.seconds >= 3600) {
            return "";
        }
        const minutes = Math.floor(this.seconds / 60);
        const seconds = String(this.seconds % 60).padStart(2, "0");
        return `${minutes}:${seconds}`;
    }

    tick() {
        this.updateContent();
        if (this.seconds > 0) {
            this.waitForTimeout(() => this.tick(), 1000);
            return;
        }
        for (const button of document.querySelectorAll(
            "[name=o_payment_submit_button]"
        )) {
            button.disabled = true;
        }
        // The server counts in whole seconds: let its last one pass.
        this.waitForTimeout(() => browser.location.reload(), 1000);
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal.hold_countdown", HoldCountdown);
