import {ConnectionLostError} from "@web/core/network/rpc";
import {PaymentForm} from "@payment/interactions/payment_form";
import {_t} from "@web/core/l10n/translation";
import {patch} from "@web/core/utils/patch";

/**
 * Go on to the page that says so, if an earlier payment has come meanwhile.
 *
 * @param {Object} values - of the transaction route
 * @returns {Boolean} whether it has
 */
function goOn(values) {
    if (values.paid_url) {
        window.location.assign(values.paid_url);
    }
    return Boolean(values.paid_url);
}

const FLOWS = ["_processRedirectFlow", "_processDirectFlow", "_processTokenFlow"];

patch(PaymentForm.prototype, {
    /**
     * Override of `payment` to read what the transaction route says before any provider
     * does: their modules patch the same methods, some of them after this one.
     */
    setup() {
        super.setup();
        for (const name of FLOWS) {
            const process = this[name];
            this[name] = (code, optionId, methodCode, values) =>
                goOn(values) || process.call(this, code, optionId, methodCode, values);
        }
    },

    /**
     * Override of `payment` to say what the button does where nothing is paid now.
     */
    _adaptSubmitButtonLabel(paymentMethodCode) {
        super._adaptSubmitButtonLabel(...arguments);
        const labels = {
            pbp_at_venue: _t("Pay at the appointment"),
            wire_transfer: _t("Show the bank details"),
        };
        const label = labels[paymentMethodCode];
        if (label && this.paymentContext.transactionRoute?.startsWith("/pay/")) {
            for (const button of document.querySelectorAll(
                "button[name=o_payment_submit_button]"
            )) {
                button.textContent = label;
            }
        }
    },

    /**
     * Override of `payment` to say so when the network is cut, and to let the client try
     * again: Odoo leaves the page as it is, with a button that cannot be pressed.
     */
    async _initiatePaymentFlow() {
        try {
            return await super._initiatePaymentFlow(...arguments);
        } catch (error) {
            const isOurs = this.paymentContext.transactionRoute?.startsWith("/pay/");
            if (!isOurs || !(error instanceof ConnectionLostError)) {
                throw error;
            }
            // The server knows what it began, perhaps with a saved card: a second try
            // pays no second time.
            this._displayErrorDialog(
                _t("No connection"),
                _t("Check your connection and try again. You will not pay twice.")
            );
            this._enableButton();
        }
    },
});
