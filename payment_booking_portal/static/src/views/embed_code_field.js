import {Component} from "@odoo/owl";
import {CopyButton} from "@web/core/copy_button/copy_button";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** The code that is pasted into a website, and how; see `payment.embed.mixin`. */
export class EmbedCodeField extends Component {
    static template = "payment_booking_portal.EmbedCodeField";
    static components = {CopyButton};
    static props = {...standardFieldProps, part: {type: String, optional: true}};

    setup() {
        this.copied = _t("Copied");
    }

    get guide() {
        return this.props.record.data[this.props.name];
    }

    /** A view with a tab for each says which `part` it wants: `html` or `wordpress`. */
    get isWordPress() {
        return this.props.part === "wordpress";
    }
}

export const embedCodeField = {
    component: EmbedCodeField,
    displayName: _t("Code for a website"),
    supportedTypes: ["json"],
    extractProps: ({options}) => ({part: options.part}),
};

registry.category("fields").add("payment_embed_code", embedCodeField);
