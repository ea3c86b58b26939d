import {Interaction} from "@web/public/interaction";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";

/** Copies a text, such as the reference of a bank transfer. */
export class CopyText extends Interaction {
    static selector = ".o_pbp_copy[data-copy]";
    dynamicContent = {_root: {"t-on-click": this.onClick}};

    async onClick() {
        try {
            await this.waitFor(
                browser.navigator.clipboard.writeText(this.el.dataset.copy)
            );
        } catch {
            // No permission, or no HTTPS: the text is at least ready to be copied.
            const text = this.el.parentElement.querySelector("code");
            if (text) {
                document.getSelection().selectAllChildren(text);
            }
            return;
        }
        this.el.textContent = _t("Copied");
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal.copy_text", CopyText);
