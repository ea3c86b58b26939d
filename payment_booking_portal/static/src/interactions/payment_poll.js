import {Interaction} from "@web/public/interaction";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";
import {rpc} from "@web/core/network/rpc";

/**
 * Asks the server what became of a payment, less and less often. Unlike core's status page
 * it needs no session: the address of the page says which payment.
 */
export class PaymentPoll extends Interaction {
    static selector = "[data-poll-url]";

    setup() {
        this.count = 0;
    }

    start() {
        this.plan();
    }

    /**
     * @returns {Number} milliseconds until the next question
     */
    get delay() {
        if (this.count === 0) {
            return 0;
        }
        return this.count < 10 ? 2000 : this.count < 20 ? 10000 : 30000;
    }

    plan() {
        this.waitForTimeout(() => this.ask(), this.delay);
        this.count++;
    }

    async ask() {
        let url = false;
        try {
            ({url} = await this.waitFor(
                rpc(this.el.dataset.pollUrl, {}, {silent: true})
            ));
        } catch {
            // The network is cut, or the server busy: ask again later.
        }
        if (url) {
            browser.location.assign(url);
        } else {
            this.plan();
        }
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal.payment_poll", PaymentPoll);
