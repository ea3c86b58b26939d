import {onWillRender, useState} from "@odoo/owl";
import {PaymentListController} from "./payment_new_menu";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";

/** *To collect*: what is due in the list stands above it, one total per currency. */
export class PaymentDueListController extends PaymentListController {
    static template = "payment_booking_portal.PaymentDueListView";

    setup() {
        super.setup();
        this.orm = useService("orm");
        this.totals = useState({asked: "", currencies: []});
        onWillRender(() => this.loadTotals());
    }

    /** Ask for the totals again when the list shows something else. */
    async loadTotals() {
        const {domain, count} = this.model.root;
        const asked = JSON.stringify([domain, count]);
        if (asked === this.totals.asked) {
            return;
        }
        this.totals.asked = asked;
        const currencies = await this.orm.call("payment.due", "get_totals", [domain]);
        if (asked === this.totals.asked) {
            this.totals.currencies = currencies;
        }
    }
}

registry.category("views").add("payment_due_list", {
    ...listView,
    Controller: PaymentDueListController,
});
