import {BuilderAction} from "@html_builder/core/builder_action";
import {SNIPPET_SPECIFIC} from "@html_builder/utils/option_sequence";
import {Plugin} from "@html_editor/plugin";
import {withSequence} from "@html_editor/utils/resource";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {BookingBlockOption} from "./booking_block_option";

const BLOCK = ".s_payment_booking";

/**
 * @param {HTMLElement} blockEl
 * @returns {HTMLElement} the link that is saved with a block
 */
function getLink(blockEl) {
    return blockEl.querySelector(".s_payment_booking_link");
}

/**
 * Let a block show something.
 *
 * @param {HTMLElement} blockEl
 * @param {Object} choice see `website.get_booking_block_choices`
 */
function setTarget(blockEl, {kind, key, url}) {
    blockEl.dataset.kind = kind;
    if (key) {
        blockEl.dataset.key = key;
    } else {
        // All services are a page: there is no window of them.
        delete blockEl.dataset.key;
        blockEl.dataset.mode = "button";
    }
    getLink(blockEl).setAttribute("href", url);
}

class BookingBlockTargetAction extends BuilderAction {
    static id = "bookingBlockTarget";

    isApplied({editingElement, params: {kind, key}}) {
        const {dataset} = editingElement;
        return dataset.kind === kind && (dataset.key || "") === key;
    }

    apply({editingElement, params}) {
        setTarget(editingElement, params);
    }
}

class BookingBlockLabelAction extends BuilderAction {
    static id = "bookingBlockLabel";

    getValue({editingElement}) {
        return getLink(editingElement).textContent.trim();
    }

    apply({editingElement, value}) {
        const usual = editingElement.dataset.purpose === "pay" ? _t("Pay") : _t("Book");
        getLink(editingElement).textContent = value.trim() || usual;
    }
}

class BookingBlockOptionPlugin extends Plugin {
    static id = "bookingBlockOption";
    static shared = ["fetchChoices"];

    resources = {
        builder_options: [withSequence(SNIPPET_SPECIFIC, BookingBlockOption)],
        builder_actions: {BookingBlockTargetAction, BookingBlockLabelAction},
        so_content_addition_selector: [BLOCK],
        on_snippet_dropped_handlers: this.onSnippetDropped.bind(this),
    };

    /**
     * @param {String} purpose `pay` or `book`
     * @returns {Promise<Array>} what a block can show, by name
     */
    async fetchChoices(purpose) {
        const websiteId = this.services.website.currentWebsite.id;
        this.fetched ||= this.services.orm.call(
            "website",
            "get_booking_block_choices",
            [websiteId]
        );
        const choices = (await this.fetched).filter(
            (choice) => choice.purpose === purpose
        );
        if (purpose === "book") {
            const name = _t("All services");
            choices.unshift({kind: "all", key: "", url: "/book", purpose, name});
        }
        return choices;
    }

    /**
     * Let a new Pay button be one of the first link.
     */
    async onSnippetDropped({snippetEl}) {
        if (!snippetEl.matches(BLOCK) || snippetEl.dataset.kind) {
            return;
        }
        const [first] = await this.fetchChoices(snippetEl.dataset.purpose);
        if (first) {
            setTarget(snippetEl, first);
        }
    }
}

registry
    .category("website-plugins")
    .add(BookingBlockOptionPlugin.id, BookingBlockOptionPlugin);
