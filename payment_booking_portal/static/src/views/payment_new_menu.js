import {Component, onWillStart} from "@odoo/owl";
import {Dropdown} from "@web/core/dropdown/dropdown";
import {DropdownItem} from "@web/core/dropdown/dropdown_item";
import {KanbanController} from "@web/views/kanban/kanban_controller";
import {ListController} from "@web/views/list/list_controller";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";
import {useService} from "@web/core/utils/hooks";
import {user} from "@web/core/user";

const MODULE = "payment_booking_portal";

/** *New* in every list under Payments: what staff asks for, or has received. */
export class PaymentNewMenu extends Component {
    static template = "payment_booking_portal.PaymentNewMenu";
    static components = {Dropdown, DropdownItem};
    static props = {context: Object, reload: Function};

    setup() {
        this.action = useService("action");
        onWillStart(async () => {
            this.canInvoice = await user.hasGroup("account.group_account_invoice");
        });
    }

    sendLink() {
        return this.open("payment_request_action_new");
    }

    makeInvoice() {
        return this.open("account_move_action_new");
    }

    recordPayment() {
        return this.open("payment_request_record_action", {onClose: this.props.reload});
    }

    /**
     * @param {String} name the XML id of an action of ours
     * @param {Object} [options] of the action service
     */
    open(name, options = {}) {
        return this.action.doAction(`${MODULE}.${name}`, {
            ...options,
            additionalContext: this.defaults,
        });
    }

    /** The client whose list this is, if it is one's. */
    get defaults() {
        const {default_partner_id} = this.props.context;
        return default_partner_id ? {default_partner_id} : {};
    }
}

export class PaymentListController extends ListController {
    static template = "payment_booking_portal.PaymentListView";
    static components = {...ListController.components, PaymentNewMenu};
}

export class PaymentKanbanController extends KanbanController {
    static template = "payment_booking_portal.PaymentKanbanView";
    static components = {...KanbanController.components, PaymentNewMenu};
}

registry.category("views").add("payment_list", {
    ...listView,
    Controller: PaymentListController,
});
registry.category("views").add("payment_kanban", {
    ...kanbanView,
    Controller: PaymentKanbanController,
});
