/**
 * Booking and paying in the pages of any website.
 *
 * Either the script puts an element after itself:
 *     <script async src="https://…/payment-booking/v1.js" data-widget="KEY"></script>
 * or the page holds elements of its own; what is in them shows as long as they cannot:
 *     <payment-booking service="7" mode="inline"><a href="…">Book</a></payment-booking>
 *
 * Attributes (`data-…` on the script): one of widget, link, service; mode (button, popup,
 * inline), label, lang, color (#rrggbb), size; name, email, phone and prefill (JSON) for
 * the client's form; day, month, resource, seats, currency, utm_….
 *
 * Events of the element: `payment-booking:booked`, `:paid` and `:closed`.
 *
 * Needs no cookies, no build and nothing else. `frame.js` is the other side.
 */
(function () {
    "use strict";
    const TAG = "payment-booking";
    // Where a plain link leads when the server cannot be asked.
    const PATHS = {widget: "/w/", link: "/l/", service: "/book/"};
    const OPTIONS = ["mode", "label", "lang", "color", "size", "prefill"];
    // About the client: only ever said to the frame, never in an address.
    const PERSONAL = ["name", "email", "phone"];
    const CAMPAIGN = ["utm_source", "utm_medium", "utm_campaign"];
    const QUERY = ["day", "month", "resource", "seats", "currency", ...CAMPAIGN];
    const ATTRIBUTES = [...Object.keys(PATHS), ...OPTIONS, ...PERSONAL, ...QUERY];
    const RESULTS = ["booked", "paid", "closed"];
    const RETURNED = /#payment-booking=([a-z,]*)$/;
    // Milliseconds until a frame must have spoken: from the start, and once it is loaded.
    const PATIENCE = 20000;
    const LOADED_PATIENCE = 3000;
    // Pixels: of a frame, and of what is above it in a window.
    const MAX_HEIGHT = 20000;
    const BAR = 57;
    const CSS = `
        :host { display: inline-block; max-width: 100%; }
        :host([hidden]) { display: none; }
        * { box-sizing: border-box; }
        .button { background: var(--color); border: 1px solid transparent;
            border-radius: 8px; color: var(--text); cursor: pointer;
            display: inline-block; font: inherit; font-size: 16px; font-weight: 600;
            line-height: 1.25; max-width: 100%; padding: 12px 24px; text-align: center;
            text-decoration: none; }
        .button.small { font-size: 14px; padding: 8px 16px; }
        .button.large { font-size: 20px; padding: 16px 32px; }
        .button:hover { box-shadow: inset 0 0 0 99px rgb(0 0 0 / .12); }
        :focus-visible { outline: 3px solid var(--color); outline-offset: 3px; }
        dialog { background: #fff; border: 0; border-radius: 16px;
            box-shadow: 0 24px 64px rgb(0 0 0 / .3); color: #1f2328; color-scheme: light;
            font: 16px/1.5 system-ui, sans-serif;
            height: min(var(--height, 480px), calc(100vh - 48px)); margin: auto;
            max-height: calc(100dvh - 48px); max-width: none; overflow: hidden; padding: 0;
            transition: height .15s; width: min(960px, calc(100vw - 48px)); }
        dialog[open] { animation: rise .18s ease-out; display: flex;
            flex-direction: column; }
        dialog::backdrop { background: rgb(15 23 32 / .55); }
        @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
        .bar { align-items: center; border-bottom: 1px solid #e4e7ea; display: flex;
            flex: none; gap: 8px; padding: 6px 8px 6px 20px; }
        [dir=rtl] .bar { padding: 6px 20px 6px 8px; }
        .bar strong { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis;
            white-space: nowrap; }
        .close { background: none; border: 0; border-radius: 8px; color: inherit;
            cursor: pointer; font: 28px/1 system-ui, sans-serif; height: 44px;
            width: 44px; }
        .close:hover { background: #eef0f2; }
        .close:focus-visible { outline-offset: -3px; }
        .stage { flex: 1; min-height: 0; position: relative; }
        .inline { border-radius: 12px; min-height: 320px; overflow: hidden; }
        iframe { background: #fff; border: 0; border-radius: inherit; display: block;
            height: 100%; width: 100%; }
        dialog iframe { inset: 0; position: absolute; }
        .note { align-items: center; background: #fff; color: #1f2328; display: flex;
            flex-direction: column; font: 16px/1.5 system-ui, sans-serif; gap: 16px;
            inset: 0; justify-content: center; padding: 24px; position: absolute;
            text-align: center; }
        .note[hidden] { display: none; }
        .wheel { animation: turn 1s linear infinite; border: 3px solid #d7dbdf;
            border-radius: 50%; border-top-color: var(--color); height: 36px;
            width: 36px; }
        @keyframes turn { to { transform: rotate(1turn); } }
        dialog.thanks { height: fit-content; padding: 32px 24px 24px; text-align: center;
            width: min(420px, calc(100vw - 32px)); }
        .thanks p { margin: 0 0 20px; }
        .thanks p:first-of-type { font-size: 20px; font-weight: 600;
            margin-bottom: 4px; }
        .tick { align-self: center; background: #1e7e44; border-radius: 50%;
            color: #fff; font-size: 30px; height: 56px; line-height: 56px;
            margin-bottom: 16px; width: 56px; }
        .thanks .button { align-self: center; }
        @media (max-width: 600px) {
            dialog:not(.thanks) { border-radius: 0; height: 100vh; height: 100dvh;
                max-height: none; width: 100vw; }
        }
        @media (prefers-reduced-motion: reduce) {
            dialog { animation: none !important; transition: none; }
            .wheel { animation-duration: 6s; }
        }`;

    const script =
        document.currentScript ||
        document.querySelector('script[src*="/payment-booking/v1.js"]');
    const server = new URL(script.src).origin;

    // === SMALL THINGS === //

    /** The storage of the tab, as far as the browser has one. */
    const memory = {
        get(name) {
            try {
                return sessionStorage.getItem(`${TAG}-${name}`) || "";
            } catch {
                return "";
            }
        },
        set(name, value) {
            try {
                sessionStorage.setItem(`${TAG}-${name}`, value);
            } catch {
                // Then it is forgotten.
            }
        },
    };

    function make(tag, className, text) {
        const element = document.createElement(tag);
        element.className = className;
        element.textContent = text || "";
        return element;
    }

    /** An address with more in its query; null for what is no address of the web. */
    function addQuery(address, values) {
        let url = null;
        try {
            url = new URL(address);
        } catch {
            return null;
        }
        for (const [name, value] of Object.entries(values)) {
            if (value) {
                url.searchParams.set(name, value);
            }
        }
        return /^https?:$/.test(url.protocol) ? url : null;
    }

    /** Where the visitor is, and goes back to. */
    function getPage() {
        const page = location.href.split("#")[0];
        return page.length > 2000 ? location.origin + location.pathname : page;
    }

    /** The secret by which one visitor of this website is told from others. */
    let visitor = memory.get("visitor");
    function getVisitor() {
        if (!visitor) {
            const bytes = crypto.getRandomValues(new Uint8Array(16));
            visitor = [...bytes]
                .map((byte) => byte.toString(16).padStart(2, "0"))
                .join("");
            memory.set("visitor", visitor);
        }
        return visitor;
    }

    /** Black or white, whatever is read better (WCAG). */
    function getTextColor(color) {
        const [red, green, blue] = [1, 3, 5]
            .map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
            .map((one) =>
                one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4
            );
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#111" : "#fff";
    }

    function addStyle(root) {
        try {
            // Unlike a style element, allowed by every policy.
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(CSS);
            root.adoptedStyleSheets = [sheet];
        } catch {
            root.append(make("style", "", CSS));
        }
    }

    // === COMING BACK === //

    /** What happened to a visitor who comes back, taken out of the address. */
    function takeResults() {
        const found = RETURNED.exec(location.hash);
        if (!found) {
            return [];
        }
        history.replaceState(history.state, "", getPage());
        return found[1].split(",").filter((result) => RESULTS.includes(result));
    }

    function whenLoaded(callback) {
        if (document.readyState === "complete") {
            setTimeout(callback);
        } else {
            // The page's own scripts are there then, and listen.
            addEventListener("load", () => setTimeout(callback), {once: true});
        }
    }

    // === THE ELEMENT === //

    class PaymentBooking extends HTMLElement {
        connectedCallback() {
            this.onMessage = this.onMessage || this.receive.bind(this);
            this.onPageShow = this.onPageShow || this.restart.bind(this);
            addEventListener("message", this.onMessage);
            addEventListener("pageshow", this.onPageShow);
            if (!this.shadowRoot) {
                this.attachShadow({mode: "open"});
                this.start();
            }
        }

        disconnectedCallback() {
            removeEventListener("message", this.onMessage);
            removeEventListener("pageshow", this.onPageShow);
            this.unlockScroll();
        }

        async start() {
            addStyle(this.shadowRoot);
            // What the page put there, until something better is.
            this.view = this.shadowRoot.appendChild(make("div"));
            this.view.append(make("slot"));
            this.kind = Object.keys(PATHS).find((kind) => this.getAttribute(kind));
            if (!this.kind) {
                return;
            }
            this.key = this.getAttribute(this.kind);
            this.from = this.from || server;
            this.setColor("#2f6f5e");
            try {
                this.config = await this.fetchConfig();
                this.show();
            } catch {
                this.showFallback();
            }
            this.ready = true;
            this.dispatchEvent(new Event(`${TAG}:ready`));
        }

        async fetchConfig() {
            const lang = this.closest("[lang]")?.lang || "";
            const path = `/embed/v1/${this.kind}/${encodeURIComponent(this.key)}`;
            const url = addQuery(this.from + path, {lang});
            const answer = await fetch(url, {credentials: "omit"});
            if (!answer.ok) {
                throw new Error(answer.status);
            }
            return answer.json();
        }

        setColor(color) {
            const own = this.getAttribute("color") || "";
            const used = [own, color].find((one) => /^#[0-9a-f]{6}$/i.test(one));
            if (used) {
                this.view.style.setProperty("--color", used);
                this.view.style.setProperty("--text", getTextColor(used));
            }
        }

        getQuery() {
            const query = {};
            const page = new URLSearchParams(location.search);
            for (const name of QUERY) {
                query[name] =
                    this.getAttribute(name) ||
                    this.getAttribute(name.replace("_", "-"));
            }
            for (const name of CAMPAIGN) {
                query[name] = query[name] || page.get(name);
            }
            return query;
        }

        getPrefill() {
            let prefill = {};
            try {
                prefill = {...JSON.parse(this.getAttribute("prefill"))};
            } catch {
                console.warn(`${TAG}: the attribute prefill is no JSON`);
            }
            for (const name of PERSONAL) {
                prefill[name] = this.getAttribute(name) || prefill[name] || "";
            }
            return prefill;
        }

        getLabel() {
            const label = this.getAttribute("label") || this.config?.label;
            return label || this.usual || "Book online";
        }

        tell(result) {
            this.dispatchEvent(
                new CustomEvent(`${TAG}:${result}`, {bubbles: true, composed: true})
            );
        }

        /** Remember that the visitor leaves from here. */
        leave() {
            memory.set("left", `${this.kind}/${this.key}`);
        }

        // === WHAT IS SHOWN === //

        show() {
            const {config} = this;
            this.setColor(config.color);
            this.view.lang = config.lang;
            this.view.dir = config.dir;
            const mode = this.getAttribute("mode") || config.mode;
            // The server says paths: they are of where the script comes from.
            config.url = new URL(config.url, this.from).href;
            config.frame = config.frame && new URL(config.frame, this.from).href;
            const opens = mode === "inline" || window.HTMLDialogElement;
            if (!config.frame || mode === "button" || !opens) {
                this.showLink(config.url);
            } else if (mode === "inline") {
                this.showInline();
            } else {
                this.showButton();
            }
        }

        /** The page's own words if there are any, else a link to where it must be. */
        showFallback() {
            if (!this.childNodes.length) {
                this.showLink(
                    this.from + PATHS[this.kind] + encodeURIComponent(this.key)
                );
            }
        }

        makeButton(tag, text) {
            const size = this.getAttribute("size") || this.config?.size;
            const known = ["small", "large"].includes(size) ? size : "";
            const button = make(tag, `button ${known}`, text);
            button.part = "button";
            return button;
        }

        makeLink(address, text) {
            const link = this.makeButton("a", text);
            link.href = addQuery(address, {...this.getQuery(), back: getPage()});
            link.target = "_top";
            link.addEventListener("click", () => this.leave());
            return link;
        }

        showLink(address) {
            if (addQuery(address, {})) {
                this.view.replaceChildren(this.makeLink(address, this.getLabel()));
            }
        }

        showButton() {
            const button = this.makeButton("button", this.getLabel());
            button.type = "button";
            button.setAttribute("aria-haspopup", "dialog");
            button.addEventListener("click", () => this.open());
            this.view.replaceChildren(button);
        }

        showInline() {
            this.style.display = "block";
            this.stage = make("div", "stage inline");
            this.view.replaceChildren(this.stage);
            this.load();
        }

        // === THE WINDOW IN THE PAGE === //

        open() {
            if (!this.dialog) {
                this.dialog = this.makeDialog("", this.getLabel());
                const bar = make("div", "bar");
                const close = make("button", "close", "×");
                close.type = "button";
                close.setAttribute("aria-label", this.config.texts.close);
                close.addEventListener("click", () => this.dialog.close());
                bar.append(make("strong", "", this.getLabel()), close);
                this.stage = make("div", "stage");
                this.dialog.append(bar, this.stage);
                this.dialog.addEventListener("close", () => this.onClose());
                this.dialog.addEventListener("click", (ev) => {
                    // On what is behind: the rest is covered by what is in it.
                    if (ev.target === this.dialog) {
                        this.dialog.close();
                    }
                });
            }
            this.result = null;
            this.dialog.showModal();
            this.lockScroll();
            if (!this.frame) {
                this.load();
            }
        }

        makeDialog(className, label) {
            const dialog = make("dialog", className);
            dialog.setAttribute("aria-label", label);
            this.view.append(dialog);
            return dialog;
        }

        onClose() {
            this.unlockScroll();
            if (this.result || this.failed) {
                // The next time from the start.
                this.stage.replaceChildren();
                this.frame = null;
            }
            if (!this.result) {
                this.tell("closed");
            }
        }

        /** Start over for who comes from the payment by the browser's Back button. */
        restart(ev) {
            if (!ev.persisted || this.result !== "pay") {
                return;
            }
            if (this.dialog) {
                this.dialog.close();
            } else {
                this.load();
            }
        }

        lockScroll() {
            const {style} = document.documentElement;
            this.overflow = this.overflow ?? style.overflow;
            style.overflow = "hidden";
        }

        unlockScroll() {
            if (this.overflow !== undefined) {
                document.documentElement.style.overflow = this.overflow;
                this.overflow = undefined;
            }
        }

        // === THE FRAME === //

        load() {
            const {texts} = this.config;
            const {timeZone} = new Intl.DateTimeFormat().resolvedOptions();
            const url = addQuery(this.config.frame, {...this.getQuery(), tz: timeZone});
            const frame = make("iframe");
            frame.title = this.getLabel();
            frame.src = url.href;
            this.frame = frame;
            this.origin = url.origin;
            this.failed = false;
            this.loads = this.readies = 0;
            this.note = make("div", "note");
            this.note.setAttribute("role", "status");
            this.note.append(make("div", "wheel"), make("span", "", texts.loading));
            frame.addEventListener("load", () => {
                this.loads = Math.min(this.loads, this.readies) + 1;
                this.expect(frame, this.loads, LOADED_PATIENCE);
            });
            this.expect(frame, 1, PATIENCE);
            this.stage.replaceChildren(frame, this.note);
        }

        /** Say so if a frame has not spoken that often by then. */
        expect(frame, count, patience) {
            setTimeout(() => {
                if (frame === this.frame && this.readies < count) {
                    this.fail();
                }
            }, patience);
        }

        fail() {
            const {texts, url} = this.config;
            this.failed = true;
            this.note.hidden = false;
            this.note.replaceChildren(
                make("span", "", texts.failed),
                this.makeLink(url, texts.open)
            );
        }

        /** Take a message of the frame, and of nobody else. */
        receive(ev) {
            const message = ev.data;
            const theirs =
                this.frame &&
                ev.source === this.frame.contentWindow &&
                ev.origin === this.origin;
            if (!theirs || !message || message.payment !== 1) {
                return;
            }
            if (message.type === "ready") {
                this.greet();
            } else if (message.type === "size") {
                this.resize(message.height);
            } else if (message.type === "close") {
                this.dialog?.close();
            } else if (message.type === "booked") {
                this.result = "booked";
                this.tell("booked");
            } else if (message.type === "pay") {
                this.pay(message.url);
            }
        }

        greet() {
            this.readies += 1;
            this.failed = false;
            this.note.hidden = true;
            const query = this.getQuery();
            this.frame.contentWindow.postMessage(
                {
                    payment: 1,
                    type: "init",
                    back: getPage(),
                    visitor: getVisitor(),
                    prefill: this.getPrefill(),
                    campaign: Object.fromEntries(
                        CAMPAIGN.map((name) => [name, query[name]])
                    ),
                },
                this.origin
            );
            // The next page starts at its top, which may have been scrolled away.
            if (!this.dialog && this.readies > 1) {
                if (this.stage.getBoundingClientRect().top < 0) {
                    this.stage.scrollIntoView();
                }
            }
        }

        resize(height) {
            if (!(height > 0 && height < MAX_HEIGHT)) {
                return;
            }
            if (this.dialog) {
                // Only ever higher: a window that jumps is tiring.
                this.height = Math.max(this.height || 0, Math.ceil(height) + BAR);
                this.dialog.style.setProperty("--height", `${this.height}px`);
            } else {
                this.frame.style.height = `${Math.ceil(height)}px`;
                this.stage.style.minHeight = 0;
            }
        }

        /** Go on in the top window: that is where payments are made. */
        pay(address) {
            const url = addQuery(address, {});
            if (!url || url.origin !== this.origin) {
                return;
            }
            this.result = "pay";
            this.leave();
            // A page that is framed itself leaves it to the button in our frame.
            if (window.top === window) {
                location.assign(url.href);
            }
        }

        // === COMING BACK === //

        /** Tell the page and the visitor how it ended. */
        finish(results) {
            results.forEach((result) => this.tell(result));
            if (this.config && !results.includes("closed")) {
                this.thank(results.includes("booked") ? "booked" : "paid");
            }
        }

        thank(result) {
            const {texts} = this.config;
            const dialog = this.makeDialog("thanks", texts[result]);
            const tick = make("div", "tick", "✓");
            tick.setAttribute("aria-hidden", "true");
            const close = this.makeButton("button", texts.close);
            close.type = "button";
            close.addEventListener("click", () => dialog.close());
            dialog.addEventListener("close", () => dialog.remove());
            dialog.append(
                tick,
                make("p", "", texts[result]),
                make("p", "", texts.mailed)
            );
            dialog.append(close);
            dialog.showModal();
        }
    }

    // === THE START === //

    /** Find the element that the visitor left from: the first if it is not there. */
    function welcome(results) {
        const elements = [...document.querySelectorAll(TAG)].filter((one) => one.kind);
        const left = memory.get("left");
        memory.set("left", "");
        const element =
            elements.find((one) => `${one.kind}/${one.key}` === left) || elements[0];
        if (element?.ready) {
            element.finish(results);
        } else if (element) {
            element.addEventListener(`${TAG}:ready`, () => element.finish(results));
        } else {
            // The page shows it later, if at all: at least its own script knows.
            results.forEach((result) =>
                document.dispatchEvent(new CustomEvent(`${TAG}:${result}`))
            );
        }
    }

    // Wherever the script is pasted again, it only adds an element.
    if (!customElements.get(TAG)) {
        customElements.define(TAG, PaymentBooking);
        const results = takeResults();
        if (results.length) {
            whenLoaded(() => welcome(results));
        }
    }
    if (Object.keys(PATHS).some((kind) => script.dataset[kind])) {
        const element = document.createElement(TAG);
        for (const name of ATTRIBUTES) {
            const value =
                script.getAttribute(`data-${name}`) ||
                script.getAttribute(`data-${name.replace("_", "-")}`);
            if (value) {
                element.setAttribute(name, value);
            }
        }
        element.from = server;
        // What the pasted line says where no script runs: our words if all else fails.
        const plain = script.nextElementSibling;
        if (plain?.tagName === "NOSCRIPT") {
            const parsed = new DOMParser().parseFromString(
                plain.textContent,
                "text/html"
            );
            element.usual = parsed.body.textContent.trim();
        }
        script.after(element);
    }
})();
