import {Component, onWillStart} from "@odoo/owl";
import {Layout} from "@web/search/layout";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";

/** The figures of the business. The server counts and words them; each opens its list. */
export class PaymentOverview extends Component {
    static template = "payment_booking_portal.Overview";
    static components = {Layout};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.display = {controlPanel: {}};
        onWillStart(async () => {
            this.overview = await this.orm.call("payment.overview", "get_overview");
        });
    }

    async openList(key, currencyId = false) {
        const action = await this.orm.call("payment.overview", "get_list_action", [
            key,
            currencyId,
        ]);
        return this.action.doAction(action);
    }

    share() {
        return this.action.doAction(
            "payment_booking_portal.payment_booking_share_page_action"
        );
    }
}

registry.category("actions").add("payment_booking_portal.overview", PaymentOverview);
