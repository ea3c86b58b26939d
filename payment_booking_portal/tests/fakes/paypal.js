/**
 * A stand-in for PayPal's script of buttons: what Odoo's module `payment_paypal` calls,
 * and no more.
 *
 * The fake that serves this file puts its own address in the place of ROOT. PayPal opens
 * a window of its own; here it is a box on the page.
 */
(function () {
    const ROOT = "__ROOT__";

    function makeButton(className, text) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = className;
        button.textContent = text;
        return button;
    }

    function ask(orderId) {
        const box = document.createElement("div");
        box.className = "o_fake_paypal_window";
        box.setAttribute("role", "dialog");
        box.setAttribute("aria-label", "PayPal");
        box.style.cssText =
            "position:fixed;inset:0;z-index:2000;display:flex;gap:1rem;" +
            "flex-direction:column;align-items:center;justify-content:center;" +
            "padding:1rem;background:#fff;color:#1f2937";
        const text = document.createElement("p");
        text.textContent = `A fake on this machine: no real money moves. ${orderId}`;
        const approve = makeButton("o_fake_paypal_approve btn btn-primary", "Approve");
        const cancel = makeButton("o_fake_paypal_cancel btn btn-light", "Cancel");
        box.append(text, approve, cancel);
        document.body.append(box);
        return new Promise((resolve) => {
            approve.addEventListener("click", () => resolve(true));
            cancel.addEventListener("click", () => resolve(false));
        }).finally(() => box.remove());
    }

    window.paypal = {
        FUNDING: {PAYPAL: "paypal"},
        Buttons(options) {
            const button = makeButton("o_fake_paypal_button", "PayPal");
            button.style.cssText =
                "width:100%;min-height:50px;border:0;border-radius:6px;" +
                "font-weight:700;font-style:italic;" +
                (options.style.color === "silver"
                    ? "background:#eee;color:#555"
                    : "background:#0551b5;color:#fff");
            options.onInit?.(
                {},
                {
                    disable: () => (button.disabled = true),
                    enable: () => (button.disabled = false),
                }
            );
            button.addEventListener("click", async () => {
                try {
                    const orderID = await options.createOrder();
                    if (!orderID) {
                        return;
                    }
                    if (!(await ask(orderID))) {
                        options.onCancel?.({orderID});
                        return;
                    }
                    await fetch(`${ROOT}/approve/${orderID}`, {method: "POST"});
                    await options.onApprove({orderID});
                } catch (error) {
                    options.onError?.(error);
                }
            });
            return {
                render(selector) {
                    document.querySelector(selector).append(button);
                },
                hide: () => button.classList.add("d-none"),
                show: () => button.classList.remove("d-none"),
                close: () => button.remove(),
            };
        },
    };
})();
