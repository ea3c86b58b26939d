/** @odoo-module ignore **/
/**
 * The side of a framed page: tells the website how high it is and how it ended, and takes
 * from it what the page must know. See `payment_booking.js` for the other side.
 *
 * Messages: `{payment: 1, type, …}`. To the website: `ready`, `size` (height), `close`,
 * `booked` and `pay` (url). From it: `init` (back, visitor, prefill, campaign).
 */
(function () {
    "use strict";
    const host = window.parent;
    const main = document.querySelector("main.o_pbp");
    // Said by the address of a page that a visitor came to from one of the frame.
    const STEP = "o_pbp_step";
    if (host === window || !main) {
        return;
    }

    // What the two following say is no secret: any site may hear it.
    function tell(type, values) {
        host.postMessage({payment: 1, type: type, ...values}, "*");
    }

    // === WHAT THE WEBSITE SAYS === //

    function isOf(address, origin) {
        try {
            return new URL(address).origin === origin;
        } catch {
            return false;
        }
    }

    /** Put what the server must know into a form. */
    function setHidden(form, name, value) {
        let input = form.elements.namedItem(name);
        if (!input) {
            input = document.createElement("input");
            input.type = "hidden";
            input.name = name;
            form.append(input);
        }
        input.value = String(value || "");
    }

    /** Put what is known of the client into a field that shows and is empty. */
    function prefill(form, name, value) {
        const input = form.elements.namedItem(name);
        const isText = input?.matches?.("input:not([type=hidden]), select, textarea");
        if (isText && !input.value && value) {
            input.value = String(value);
        }
    }

    function fill(message, origin) {
        const back = isOf(message.back, origin) ? message.back : "";
        const campaign = message.campaign || {};
        for (const form of document.querySelectorAll("form[method=post]")) {
            setHidden(form, "back", back);
            setHidden(form, "visitor", message.visitor);
            for (const name of ["utm_source", "utm_medium", "utm_campaign"]) {
                setHidden(form, name, campaign[name]);
            }
            for (const [name, value] of Object.entries(message.prefill || {})) {
                prefill(form, name, value);
            }
        }
    }

    let told = false;
    function tellResult(origin) {
        const {nextUrl, result} = main.dataset;
        if (!result || told) {
            return;
        }
        told = true;
        if (result === "pay") {
            const url = new URL(nextUrl, location.href).href;
            // The address is a key: only the website that the server let frame us.
            host.postMessage({payment: 1, type: "pay", url: url}, origin);
        } else {
            tell(result);
        }
    }

    addEventListener("message", (ev) => {
        const message = ev.data;
        if (ev.source !== host || !message || message.payment !== 1) {
            return;
        }
        if (message.type === "init") {
            fill(message, ev.origin);
            tellResult(ev.origin);
        }
    });

    // === WHAT THE VISITOR DOES === //

    document.addEventListener("keydown", (ev) => {
        if (ev.key === "Escape" && !ev.defaultPrevented && !ev.isComposing) {
            tell("close");
        }
    });

    /** An amount is chosen or typed, not both. */
    function chooseAmount(input) {
        const panel = input.closest(".o_pbp_panel");
        const own = panel?.querySelector(".o_pbp_own_amount");
        if (own && input.type === "radio" && input.value !== "own") {
            own.value = "";
        } else if (own && input === own) {
            const radio = panel.querySelector("input[type=radio][value=own]");
            if (radio) {
                radio.checked = true;
            }
        }
    }

    document.addEventListener("change", (ev) => {
        const input = ev.target;
        if (input.matches("[data-pbp-submit]")) {
            input.form.submit();
        } else if (input.dataset.price) {
            document.querySelector(".o_pbp_price").textContent = input.dataset.price;
        }
        chooseAmount(input);
    });

    document.addEventListener("input", (ev) => chooseAmount(ev.target));

    document.addEventListener("click", (ev) => {
        const link = ev.target.closest("a[href]");
        if (!link || link.target || !/^https?:$/.test(link.protocol)) {
            return;
        }
        if (link.origin !== location.origin || !/^\/embed\//.test(link.pathname)) {
            // Of a text: what is typed here stays, and other pages may refuse a frame.
            link.target = "_blank";
            link.rel = "noopener";
            return;
        }
        if (link.hash) {
            return;
        }
        const swap = link.dataset.pbpSwap || STEP;
        // The keyboard stays on the button of the next month; a ring around it would
        // only puzzle who clicked on it.
        const isTitle = swap.endsWith("title") || !link.dataset.pbpSwap;
        link.hash = ev.detail && !isTitle ? "o_pbp_month_title" : swap;
    });

    document.addEventListener("submit", (ev) => {
        const form = ev.target;
        // A form without an address is sent to that of the page.
        form.action = `${form.action.split("#")[0]}#${STEP}`;
        const button = form.querySelector("button[type=submit]");
        // After the submission: a disabled button would not submit.
        setTimeout(() => (button ? (button.disabled = true) : null));
        addEventListener("pageshow", () => (button ? (button.disabled = false) : null));
    });

    /** The keyboard and a screen reader go on where the page does. */
    function moveFocus() {
        const name = location.hash.slice(1);
        if (!name) {
            return;
        }
        const title = main.querySelector("h1");
        const target =
            main.querySelector("[role=alert]") ||
            document.getElementById(name) ||
            title;
        if (target) {
            if (!target.matches("a, button, input, select, textarea")) {
                target.tabIndex = -1;
            }
            target.focus({preventScroll: true});
        }
    }

    moveFocus();
    new ResizeObserver(() => {
        tell("size", {height: Math.ceil(main.getBoundingClientRect().height)});
    }).observe(main);
    tell("ready");
})();
