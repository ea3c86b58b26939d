import {AlertDialog} from "@web/core/confirmation_dialog/confirmation_dialog";
import {_t} from "@web/core/l10n/translation";
import {browser} from "@web/core/browser/browser";
import {registry} from "@web/core/registry";

/**
 * Copies a text, or shows it where the browser does not let us copy.
 *
 * @param {Object} env
 * @param {Object} action with `text`, `message` and perhaps `next` in its `params`
 * @returns {Promise<Object>} the action that comes next, if any
 */
export async function copyText(env, {params}) {
    try {
        await browser.navigator.clipboard.writeText(params.text);
        env.services.notification.add(params.message, {type: "success"});
    } catch {
        env.services.dialog.add(AlertDialog, {
            title: _t("Copy this address"),
            body: params.text,
        });
    }
    return params.next;
}

/**
 * Shows a text until it was read.
 *
 * @param {Object} env
 * @param {Object} action with `title`, `text` and perhaps `next` in its `params`
 * @returns {Object} the action that comes next, if any
 */
export function showText(env, {params}) {
    env.services.dialog.add(AlertDialog, {title: params.title, body: params.text});
    return params.next;
}

registry
    .category("actions")
    .add("payment_booking_portal.copy_text", copyText)
    .add("payment_booking_portal.show_text", showText);
