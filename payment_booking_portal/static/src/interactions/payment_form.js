import {ConnectionLostError} from "@web/core/network/rpc";
import {PaymentForm} from "@payment/interactions/payment_form";
import {_t} from "@web/core/l10n/translation";
import {patch} from "@web/core/utils/patch";

patch(PaymentForm.prototype, {
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
