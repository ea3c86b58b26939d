/**
 * A stand-in for Stripe.js: what Odoo's module `payment_stripe` calls, and no more.
 *
 * The fake that serves this file puts its own address in the place of ROOT. Stripe's
 * card fields are in a frame of Stripe; these are not, and take test cards only.
 */
(function () {
    const ROOT = "__ROOT__";
    let mounted = 0;

    const FORM = [
        ["number", "Card number", "4242 4242 4242 4242", "cc-number"],
        ["expiry", "Expiry date (MM / YY)", "12 / 40", "cc-exp"],
        ["cvc", "Security code (CVC)", "123", "cc-csc"],
    ];

    const HINT =
        "A fake on this machine, for test cards only: 4242 4242 4242 4242 pays, " +
        "4000 0000 0000 0002 is declined, 4000 0025 0000 3155 asks for 3-D Secure, " +
        "4000 0000 0000 1000 takes its time.";

    function forever() {
        // The page is about to go: what waits for this never goes on.
        return new Promise(() => {
            // Never settled.
        });
    }

    function go(address, params) {
        const url = new URL(address, window.location.href);
        for (const [name, value] of Object.entries(params || {})) {
            url.searchParams.set(name, value);
        }
        window.location.assign(url);
        return forever();
    }

    class Element {
        constructor(kind, type) {
            this.kind = kind;
            this.type = type;
            this.handlers = {};
        }

        on(name, handler) {
            (this.handlers[name] ||= []).push(handler);
            return this;
        }

        trigger(name, value) {
            (this.handlers[name] || []).forEach((handler) => handler(value));
        }

        async mount(where) {
            const parent =
                typeof where === "string" ? document.querySelector(where) : where;
            mounted += 1;
            const suffix = mounted > 1 ? `_${mounted}` : "";
            this.node = document.createElement("div");
            this.node.className = "o_fake_stripe";
            if (this.kind === "payment" && this.type === "card") {
                for (const [name, label, placeholder, autocomplete] of FORM) {
                    const id = `fake_stripe_${name}${suffix}`;
                    const text = document.createElement("label");
                    text.htmlFor = id;
                    text.textContent = label;
                    text.className = "form-label mt-2";
                    const input = document.createElement("input");
                    Object.assign(input, {id, placeholder, autocomplete});
                    input.dataset.field = name;
                    input.className = "form-control";
                    input.inputMode = "numeric";
                    this.node.append(text, input);
                }
                const hint = document.createElement("p");
                hint.className = "form-text mb-0";
                hint.textContent = HINT;
                this.node.append(hint);
            } else if (this.kind === "payment") {
                this.node.textContent = "You pay on the next page.";
            }
            parent.append(this.node);
            try {
                // A fake that does not answer is a form that cannot be shown.
                await fetch(`${ROOT}/v3/`, {method: "OPTIONS"});
            } catch {
                this.trigger("loaderror", {
                    elementType: this.kind,
                    error: {type: "api_error", message: "Stripe cannot be reached."},
                });
                return;
            }
            this.trigger("ready", {elementType: this.kind});
        }

        unmount() {
            this.node?.remove();
        }

        destroy() {
            this.unmount();
        }

        update() {
            return this;
        }

        value(name) {
            const input = this.node.querySelector(`[data-field="${name}"]`);
            return input.value.replace(/\s/g, "");
        }

        problem() {
            if (this.type !== "card") {
                return null;
            }
            let message = null;
            if (!/^\d{13,19}$/.test(this.value("number"))) {
                message = "Your card number is incomplete.";
            } else if (!/^(0?[1-9]|1[0-2])\/?\d{2}$/.test(this.value("expiry"))) {
                message = "Your card's expiration date is incomplete.";
            } else if (!/^\d{3,4}$/.test(this.value("cvc"))) {
                message = "Your card's security code is incomplete.";
            }
            return message && {type: "validation_error", message};
        }

        params() {
            const params = {"payment_method_data[type]": this.type};
            if (this.type === "card") {
                const [, month, year] =
                    this.value("expiry").match(/^(\d+?)\/?(\d{2})$/);
                Object.assign(params, {
                    "payment_method_data[card][number]": this.value("number"),
                    "payment_method_data[card][exp_month]": month,
                    "payment_method_data[card][exp_year]": `20${year}`,
                    "payment_method_data[card][cvc]": this.value("cvc"),
                });
            }
            return params;
        }
    }

    class Elements {
        constructor(options) {
            this.options = options || {};
        }

        create(kind) {
            const [type] = this.options.paymentMethodTypes || ["card"];
            this.element = new Element(kind, type);
            return this.element;
        }

        getElement() {
            return this.element || null;
        }

        update(options) {
            Object.assign(this.options, options);
        }

        async submit() {
            const error = this.element.problem();
            return error ? {error} : {};
        }
    }

    class FakeStripeJS {
        constructor(key) {
            this.key = key;
        }

        elements(options) {
            return new Elements(options);
        }

        /** There is no wallet in this browser. */
        paymentRequest() {
            const request = {on: () => request, update: () => request};
            request.canMakePayment = async () => null;
            return request;
        }

        async call(kind, clientSecret, params) {
            const id = clientSecret.split("_secret_")[0];
            let answer = {};
            try {
                const response = await fetch(`${ROOT}/v1/${kind}s/${id}/confirm`, {
                    method: "POST",
                    headers: {Authorization: `Bearer ${this.key}`},
                    body: new URLSearchParams({...params, client_secret: clientSecret}),
                });
                answer = await response.json();
            } catch {
                answer.error = {
                    type: "api_connection_error",
                    message: "Stripe cannot be reached.",
                };
            }
            return answer;
        }

        async confirm(kind, {elements, clientSecret, confirmParams}) {
            const error = elements.element.problem();
            if (error) {
                return {error};
            }
            const url = confirmParams.return_url;
            const intent = await this.call(kind, clientSecret, {
                ...elements.element.params(),
                return_url: url,
            });
            if (intent.error) {
                return {error: intent.error};
            }
            if (intent.next_action) {
                return go(intent.next_action.redirect_to_url.url);
            }
            return go(url, {
                [kind]: intent.id,
                [`${kind}_client_secret`]: clientSecret,
                redirect_status:
                    intent.status === "processing" ? "pending" : "succeeded",
            });
        }

        confirmPayment(options) {
            return this.confirm("payment_intent", options);
        }

        confirmSetup(options) {
            return this.confirm("setup_intent", options);
        }

        async confirmCardPayment(clientSecret, params) {
            const intent = await this.call("payment_intent", clientSecret, params);
            return intent.error ? {error: intent.error} : {paymentIntent: intent};
        }
    }

    window.Stripe = (key) => new FakeStripeJS(key);
})();
