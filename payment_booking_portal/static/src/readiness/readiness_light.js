import {Component, useState} from "@odoo/owl";
import {useBus, useService} from "@web/core/utils/hooks";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {session} from "@web/session";
import {user} from "@web/core/user";

const APP = "payment_booking_portal.menu_root";

/** A sign in our app, for managers, while a check of Readiness is red. */
export class ReadinessLight extends Component {
    static template = "payment_booking_portal.ReadinessLight";
    static props = {};

    setup() {
        this.action = useService("action");
        this.menu = useService("menu");
        const light = session.booking_readiness || {};
        this.state = useState({
            red: light[user.activeCompany.id] || 0,
            isOurs: this.isOurs,
        });
        useBus(this.env.bus, "MENUS:APP-CHANGED", () => {
            this.state.isOurs = this.isOurs;
        });
        useBus(this.env.bus, "PBP:READINESS", ({detail}) => {
            this.state.red = detail;
        });
    }

    get isOurs() {
        const app = this.menu.getCurrentApp();
        return Boolean(app) && app.xmlid === APP;
    }

    get title() {
        return _t("Something keeps clients from paying: open Readiness");
    }

    open() {
        return this.action.doAction("payment_booking_portal.payment_readiness_action", {
            clearBreadcrumbs: true,
        });
    }
}

registry
    .category("systray")
    .add(
        "payment_booking_portal.readiness",
        {Component: ReadinessLight},
        {sequence: 30}
    );
