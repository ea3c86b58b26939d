import {ListRenderer} from "@web/views/list/list_renderer";
import {PaymentListController} from "./payment_new_menu";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {useState} from "@odoo/owl";

/** A list of money: a group with several currencies shows no sum of them. */
export class PaymentAmountListRenderer extends ListRenderer {
    formatGroupAggregate(group, column) {
        const aggregate = super.formatGroupAggregate(group, column);
        return aggregate.multiCurrency ? {value: ""} : aggregate;
    }
}

/** *To collect*: what is due in the list stands above it, one total per currency. */
export class PaymentDueListController extends PaymentListController {
    static template = "payment_booking_portal.PaymentDueListView";

    setup() {
        super.setup();
        this.orm = useService("orm");
        this.totals = useState({currencies: []});
    }

    get modelParams() {
        const params = super.modelParams;
        params.hooks.onRootLoaded = ({domain}) => {
            this.loadTotals(domain); // the list does not wait for them
        };
        return params;
    }

    async loadTotals(domain) {
        this.asked = domain;
        const currencies = await this.orm.call("payment.due", "get_totals", [domain]);
        if (this.asked === domain) {
            this.totals.currencies = currencies;
        }
    }
}

registry.category("views").add("payment_amount_list", {
    ...listView,
    Renderer: PaymentAmountListRenderer,
});
registry.category("views").add("payment_due_list", {
    ...listView,
    Controller: PaymentDueListController,
    Renderer: PaymentAmountListRenderer,
});
