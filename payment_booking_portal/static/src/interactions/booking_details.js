import {Interaction} from "@web/public/interaction";
import {registry} from "@web/core/registry";

/** Shows the price in the chosen currency, and books once per click. */
export class BookingDetails extends Interaction {
    static selector = ".o_pbp_details";
    dynamicContent = {
        "input[name=currency]": {"t-on-change": this.onCurrency},
        _root: {"t-on-submit": this.onSubmit},
    };

    start() {
        this.el.querySelector("[role=alert]")?.focus();
    }

    onCurrency(ev) {
        const price = document.querySelector(".o_pbp_price");
        if (price) {
            price.textContent = ev.currentTarget.dataset.price;
        }
    }

    onSubmit() {
        const button = this.el.querySelector("button[type=submit]");
        // After the submission: a disabled button would not submit.
        this.waitForTimeout(() => (button.disabled = true), 0);
        // The back button brings the page as it was left.
        this.addListener(window, "pageshow", () => (button.disabled = false));
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal.booking_details", BookingDetails);
