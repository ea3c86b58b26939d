import {Component, onWillStart, useState} from "@odoo/owl";
import {Layout} from "@web/search/layout";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";

const ICONS = {
    red: "fa-times",
    amber: "fa-exclamation",
    unknown: "fa-question",
    green: "fa-check",
};

/** Whether clients can pay. The server looks each time and words what it found. */
export class Readiness extends Component {
    static template = "payment_booking_portal.Readiness";
    static components = {Layout};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = {controlPanel: {}};
        this.state = useState({readiness: null});
        onWillStart(() => this.load());
    }

    async load() {
        this.state.readiness = await this.orm.call(
            "payment.readiness",
            "get_readiness"
        );
        this.env.bus.trigger("PBP:READINESS", this.state.readiness.red);
    }

    icon(level) {
        return ICONS[level];
    }

    async mend(row) {
        const action = await this.orm.call("payment.readiness", "open_cure", [
            row.button,
            row.provider_id,
        ]);
        await this.action.doAction(action, {onClose: () => this.load()});
        if (action.type === "ir.actions.client") {
            await this.load();
        }
    }
}

registry.category("actions").add("payment_booking_portal.readiness", Readiness);
