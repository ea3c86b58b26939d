import {Interaction} from "@web/public/interaction";
import {registry} from "@web/core/registry";

/** Shows the amount on the button as it is chosen, and pays once per click. */
export class DirectLink extends Interaction {
    static selector = ".o_pbp_link_form[action]";
    dynamicContent = {
        "input[type=radio]": {"t-on-change": this.onChoice},
        ".o_pbp_own_amount": {"t-on-input": this.onType},
        _root: {"t-on-submit": this.onSubmit},
    };

    start() {
        this.el.querySelector("[role=alert]")?.focus();
        this.showAmount();
    }

    get panel() {
        const checked = this.el.querySelector("input[name=currency]:checked");
        const code = (checked || this.el.querySelector("input[name=currency]"))?.value;
        return this.el.querySelector(`.o_pbp_panel[data-currency="${code}"]`);
    }

    onChoice(ev) {
        const {name, value} = ev.currentTarget;
        if (name !== "currency") {
            const own = ev.currentTarget
                .closest(".o_pbp_panel")
                .querySelector(".o_pbp_own_amount");
            if (value === "own") {
                own.focus();
            } else {
                own.value = "";
            }
        }
        this.showAmount();
    }

    onType(ev) {
        const panel = ev.currentTarget.closest(".o_pbp_panel");
        const own = panel.querySelector("input[type=radio][value=own]");
        if (own) {
            own.checked = true;
        }
        this.showAmount();
    }

    /**
     * @returns {String} what the button says: the words of the page, or what is typed
     */
    describeAmount() {
        const panel = this.panel;
        const fixed = panel?.querySelector(".o_pbp_amount");
        if (fixed) {
            return fixed.textContent.trim();
        }
        const radio = panel?.querySelector("input[type=radio]:checked");
        if (radio && radio.value !== "own") {
            return panel.querySelector(`label[for="${radio.id}"]`).textContent.trim();
        }
        const typed = panel?.querySelector(".o_pbp_own_amount")?.value.trim();
        return typed ? `${typed} ${panel.dataset.currency}` : "";
    }

    showAmount() {
        this.el.querySelector(".o_pbp_pay_amount").textContent = this.describeAmount();
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
    .add("payment_booking_portal.direct_link", DirectLink);
