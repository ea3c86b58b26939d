/**
 * The side of a framed page: tells the website how high it is and how it ended, and takes
 * from it what the page must know. See `payment_booking.js` for the other side.
 *
 * Messages: `{payment: 1, type, …}`. To the website: `ready`, `size` (height), `close`,
 * `pay` and `booked` (url). From it: `init` (back, visitor, prefill).
 */
(function () {
    "use strict";
    const host = window.parent;
    const main = document.querySelector("main.o_pbp");
    if (host === window || !main) {
        return;
    }

    // What the two following say is no secret: any site may hear it.
    function tell(type, values) {
        host.postMessage({payment: 1, type: type, ...values}, "*");
    }

    function fill(values) {
        for (const form of document.querySelectorAll("form[method=post]")) {
            for (const name of ["back", "visitor"]) {
                const input =
                    form.elements[name] || form.appendChild(document.createElement("input"));
                input.type = "hidden";
                input.name = name;
                input.value = String(values[name] || "");
            }
            for (const [name, value] of Object.entries(values.prefill || {})) {
                const input = form.elements[name];
                if (input && input.type !== "hidden" && !input.value) {
                    input.value = String(value);
                }
            }
        }
    }

    window.addEventListener("message", (ev) => {
        const message = ev.data;
        if (ev.source !== host || !message || message.payment !== 1) {
            return;
        }
        if (message.type === "init") {
            fill(message);
            const {nextUrl, result} = main.dataset;
            if (nextUrl && !main.told) {
                main.told = true;
                // The address is a key: only the website that the server let frame us.
                host.postMessage(
                    {payment: 1, type: result, url: nextUrl},
                    ev.origin
                );
            }
        }
    });

    document.addEventListener("keydown", (ev) => {
        if (ev.key === "Escape" && !ev.defaultPrevented) {
            tell("close");
        }
    });

    document.addEventListener("change", (ev) => {
        if (ev.target.matches("[data-pbp-submit]")) {
            ev.target.form.requestSubmit();
        }
    });

    new ResizeObserver(() => {
        tell("size", {height: Math.ceil(main.getBoundingClientRect().height)});
    }).observe(main);
    tell("ready");
})();
