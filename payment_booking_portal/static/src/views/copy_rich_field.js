import {
    CopyClipboardButtonField,
    copyClipboardButtonField,
} from "@web/views/fields/copy_clipboard/copy_clipboard_field";
import {registry} from "@web/core/registry";
import {xml} from "@odoo/owl";

/** Copies HTML as what it looks like: mail programs take no code in a signature. */
export class CopyRichField extends CopyClipboardButtonField {
    static template = xml`
        <CopyButton
            t-if="props.record.data[props.name]"
            className="copyButtonClassName"
            content="() => this.content"
            copyText="copyText"
            disabled="disabled"
            successText="successText"
        />`;

    get content() {
        const html = this.props.record.data[this.props.name] || "";
        const parsed = new DOMParser().parseFromString(html, "text/html");
        const link = parsed.querySelector("a");
        const text = link ? `${link.textContent} ${link.href}` : html;
        return [
            new ClipboardItem({
                "text/html": new Blob([html], {type: "text/html"}),
                "text/plain": new Blob([text], {type: "text/plain"}),
            }),
        ];
    }
}

registry.category("fields").add("payment_copy_rich", {
    ...copyClipboardButtonField,
    component: CopyRichField,
});
