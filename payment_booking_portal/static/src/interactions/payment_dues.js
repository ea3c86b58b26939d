import {Interaction} from "@web/public/interaction";
import {registry} from "@web/core/registry";

/**
 * The list of what a client owes: says what the ticked rows come to, for each currency. The
 * list works without it; what is paid is decided by the server.
 */
export class PaymentDues extends Interaction {
    static selector = ".o_pbp_dues";
    dynamicContent = {
        "[name=due]": {"t-on-change": this.update},
        "#o_pbp_all": {"t-on-change": this.onAll},
    };

    setup() {
        this.boxes = [...this.el.querySelectorAll("[name=due]")];
        this.all = this.el.querySelector("#o_pbp_all");
        this.button = this.el.querySelector(".o_pbp_pay_selected");
    }

    start() {
        if (!this.button) {
            return;
        }
        this.all.closest(".o_pbp_all").hidden = this.boxes.length < 2;
        // The browser may have kept the ticks from before.
        this.update();
    }

    onAll() {
        for (const box of this.boxes) {
            box.checked = this.all.checked;
        }
        this.update();
    }

    update() {
        const chosen = this.boxes.filter((box) => box.checked);
        this.button.disabled = !chosen.length;
        this.all.checked = chosen.length === this.boxes.length;
        this.all.indeterminate = Boolean(chosen.length) && !this.all.checked;
        this.button.querySelector(".o_pbp_sum").textContent = this.describe(chosen);
    }

    /**
     * @param {HTMLInputElement[]} boxes
     * @returns {String} a sum for each currency: they are never added up
     */
    describe(boxes) {
        const sums = new Map();
        for (const {dataset} of boxes) {
            const {currency, digits} = dataset;
            const before = sums.get(currency) || {amount: 0, digits: Number(digits)};
            before.amount += Number(dataset.amount);
            sums.set(currency, before);
        }
        return [...sums]
            .map(([currency, {amount, digits}]) =>
                new Intl.NumberFormat(this.el.dataset.locale, {
                    style: "currency",
                    currency,
                    minimumFractionDigits: digits,
                    maximumFractionDigits: digits,
                }).format(amount)
            )
            .join(" + ");
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal.payment_dues", PaymentDues);
