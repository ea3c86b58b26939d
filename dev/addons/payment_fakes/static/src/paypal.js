import {PaymentForm} from "@payment/interactions/payment_form";
import {patch} from "@web/core/utils/patch";

patch(PaymentForm.prototype, {
    /**
     * Override of `payment_paypal` to load the stand-in for PayPal's script.
     */
    async _paypalLoadSDK(url) {
        const radio = document.querySelector('input[name="o_payment_radio"]:checked');
        const {fake_root} = JSON.parse(radio.dataset.paypalInlineFormValues);
        return super._paypalLoadSDK(`${fake_root}/sdk/js${new URL(url).search}`);
    },
});
