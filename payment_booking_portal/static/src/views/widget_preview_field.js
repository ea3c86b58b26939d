import {Component, useEffect, useExternalListener, useRef, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

const COLOR = /^#[0-9a-f]{6}$/i;
// What is shown while it is typed: the record knows it only when the field is left.
const TYPED = ["button_label", "color"];
const SCREENS = {
    phone: {width: 390, height: 720},
    desktop: {width: 1280, height: 900},
};

/**
 * A website that does not exist, with the widget of the form on it.
 *
 * What opens is the page itself, as on any website. When it is not saved as it stands in
 * the form, it is what the server rendered of it: the value of the field.
 */
export class WidgetPreviewField extends Component {
    static template = "payment_booking_portal.WidgetPreviewField";
    static props = {...standardFieldProps};

    setup() {
        this.state = useState({screen: "phone", room: 0, loaded: 0, typed: {}});
        this.root = useRef("root");
        this.frame = useRef("frame");
        useEffect(
            (el) => {
                const observer = new ResizeObserver(() => {
                    this.state.room = el.clientWidth;
                });
                observer.observe(el);
                return () => observer.disconnect();
            },
            () => [this.root.el]
        );
        useEffect(
            () => this.show(),
            () => [this.state.loaded, ...Object.values(this.values)]
        );
        useExternalListener(document, "input", this.onTyped);
        useExternalListener(document, "change", this.onTyped);
    }

    get screens() {
        return [
            {key: "phone", label: _t("Phone"), icon: "fa fa-mobile"},
            {key: "desktop", label: _t("Desktop"), icon: "fa fa-desktop"},
        ];
    }

    get title() {
        return this.state.screen === "phone"
            ? _t("The widget on a phone")
            : _t("The widget on a desktop");
    }

    /** How much smaller than it is the page has to be. */
    get scale() {
        return Math.min(1, (this.state.room || 1) / SCREENS[this.state.screen].width);
    }

    get roomStyle() {
        const {width, height} = SCREENS[this.state.screen];
        return `width: ${width * this.scale}px; height: ${height * this.scale}px;`;
    }

    get frameStyle() {
        const {width, height} = SCREENS[this.state.screen];
        return `width: ${width}px; height: ${height}px; transform: scale(${this.scale});`;
    }

    /** What the form says now, typed or kept. */
    get values() {
        const {data} = this.props.record;
        const isButton = data.mode !== "inline";
        return {
            token: (data.url || "").split("/").pop(),
            mode: data.mode,
            lang: data.lang,
            opens: String(data[this.props.name] || ""),
            button: String(data.button_preview || ""),
            // A page that is shown already is not loaded again for a button.
            label: isButton && (this.state.typed.button_label ?? data.button_label),
            color: isButton && (this.state.typed.color ?? data.color),
            size: isButton && data.size,
        };
    }

    onTyped(ev) {
        const name = ev.target.closest?.(".o_field_widget[name]")?.getAttribute("name");
        const form = this.root.el?.closest(".o_form_renderer");
        if (TYPED.includes(name) && form?.contains(ev.target)) {
            if (ev.type === "input") {
                this.state.typed[name] = ev.target.value;
            } else {
                delete this.state.typed[name];
            }
        }
    }

    /** Put what the form says into the page. */
    show() {
        const page = this.frame.el?.contentDocument;
        const place = page?.getElementById("o_pbp_mock_place");
        if (!place) {
            return;
        }
        const {token, mode, opens} = this.values;
        if (token && !opens) {
            place.replaceChildren(this.makeWidget(page), this.makeNote(page));
            return;
        }
        const shown = page.createElement("div");
        shown.className = "o_pbp_mock_opens";
        shown.append(this.parse(page, opens));
        if (mode === "inline") {
            place.replaceChildren(shown);
        } else {
            shown.classList.add("o_pbp_mock_window");
            const button = this.makeButton(page);
            button.removeAttribute("href");
            place.replaceChildren(button, this.makeNote(page), shown);
        }
    }

    /** The element of our script, and in it the link that stands there without it. */
    makeWidget(page) {
        const {token, mode, lang, label, color, size} = this.values;
        const widget = page.createElement("payment-booking");
        const attributes = {widget: token, mode, lang, label, size};
        if (COLOR.test(color)) {
            attributes.color = color;
        }
        for (const [name, value] of Object.entries(attributes)) {
            if (value) {
                widget.setAttribute(name, value);
            }
        }
        widget.append(this.makeButton(page));
        return widget;
    }

    makeButton(page) {
        const {button, label, color} = this.values;
        const link = this.parse(page, button);
        if (label) {
            link.textContent = label;
        }
        if (COLOR.test(color)) {
            link.style.backgroundColor = color;
        }
        return link;
    }

    makeNote(page) {
        const {token, mode, opens} = this.values;
        const note = page.createElement("p");
        note.className = "o_pbp_mock_note";
        if (mode === "inline") {
            return note;
        }
        note.textContent =
            token && !opens
                ? _t("Press the button to see what opens.")
                : _t("This is what opens:");
        return note;
    }

    parse(page, html) {
        const parsed = new DOMParser().parseFromString(html, "text/html");
        const element = parsed.body.firstElementChild || parsed.createElement("span");
        return page.adoptNode(element);
    }
}

export const widgetPreviewField = {
    component: WidgetPreviewField,
    displayName: _t("Website widget"),
    supportedTypes: ["html"],
    fieldDependencies: [
        {name: "url", type: "char"},
        {name: "mode", type: "selection"},
        {name: "button_label", type: "char"},
        {name: "button_preview", type: "html"},
        {name: "color", type: "char"},
        {name: "size", type: "selection"},
        {name: "lang", type: "selection"},
    ],
};

registry.category("fields").add("payment_widget_preview", widgetPreviewField);
