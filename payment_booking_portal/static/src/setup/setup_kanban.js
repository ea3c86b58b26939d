import {KanbanRenderer} from "@web/views/kanban/kanban_renderer";
import {kanbanView} from "@web/views/kanban/kanban_view";
import {registry} from "@web/core/registry";
import {useExternalListener} from "@odoo/owl";
import {useService} from "@web/core/utils/hooks";

/** The steps of Getting started, with how many of them are done. */
export class SetupKanbanRenderer extends KanbanRenderer {
    static template = "payment_booking_portal.SetupKanbanRenderer";

    setup() {
        super.setup();
        this.actionService = useService("action");
        // Back from the booking page, which opens in another tab: look again.
        useExternalListener(document, "visibilitychange", () => {
            if (!document.hidden) {
                this.props.list.load();
            }
        });
    }

    get total() {
        return this.props.list.records.length;
    }

    get done() {
        return this.props.list.records.filter(({data}) => data.is_done).length;
    }

    async openToday() {
        const {resModel, model} = this.props.list;
        const action = await model.orm.call(resModel, "action_open_today", []);
        await this.actionService.doAction(action, {clearBreadcrumbs: true});
    }
}

registry.category("views").add("payment_booking_setup", {
    ...kanbanView,
    Renderer: SetupKanbanRenderer,
});
