import {loadJS} from "@web/core/assets";
import {registry} from "@web/core/registry";
import {Interaction} from "@web/public/interaction";

const SCRIPT = "/payment-booking/v1.js";
const KINDS = ["widget", "link", "service"];
const MODES = ["popup", "inline"];
// How a button of the theme looks; see `booking_block.scss`.
const LOOK = [
    "background-color",
    "border",
    "border-radius",
    "color",
    "font-family",
    "font-size",
    "font-weight",
    "padding",
    "text-transform",
];

/**
 * Gives the link of a block to the script that makes a window or a calendar of it.
 *
 * It runs for visitors, never in the editor: what is saved is the plain link. Where the
 * script cannot be loaded, the link stays and leads to the page.
 */
export class BookingBlock extends Interaction {
    static selector = ".s_payment_booking[data-key]:not([data-mode='button'])";

    start() {
        const linkEl = this.el.querySelector(".s_payment_booking_link");
        const {kind, key, mode} = this.el.dataset;
        // Who writes a text of the website may write anything into it.
        if (!linkEl || !KINDS.includes(kind) || !MODES.includes(mode)) {
            return;
        }
        const blockEl = document.createElement("payment-booking");
        blockEl.setAttribute(kind, key);
        blockEl.setAttribute("mode", mode);
        blockEl.setAttribute("label", linkEl.textContent.trim());
        const look = getComputedStyle(linkEl);
        for (const name of LOOK) {
            blockEl.style.setProperty(`--link-${name}`, look.getPropertyValue(name));
        }
        blockEl.append(linkEl.cloneNode(true));
        linkEl.replaceWith(blockEl);
        this.registerCleanup(() => blockEl.replaceWith(linkEl));
        loadJS(SCRIPT).catch(() => blockEl.replaceWith(linkEl));
    }
}

registry
    .category("public.interactions")
    .add("payment_booking_portal_website.booking_block", BookingBlock);
