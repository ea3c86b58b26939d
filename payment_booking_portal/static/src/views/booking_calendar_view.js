import {CalendarModel} from "@web/views/calendar/calendar_model";
import {ConfirmationDialog} from "@web/core/confirmation_dialog/confirmation_dialog";
import {WarningDialog} from "@web/core/errors/error_dialogs";
import {_t} from "@web/core/l10n/translation";
import {calendarView} from "@web/views/calendar/calendar_view";
import {registry} from "@web/core/registry";

/**
 * Lets staff drag a booking: asks before it leaves what clients could book, and puts it
 * back when the server refuses.
 */
export class BookingCalendarModel extends CalendarModel {
    static services = [...CalendarModel.services, "dialog"];

    setup(params, services) {
        super.setup(params, services);
        this.dialog = services.dialog;
    }

    async updateRecord(record, options = {}) {
        const values = this.buildRawRecord(record, options);
        try {
            const warnings = await this.orm.call(
                this.meta.resModel,
                "get_move_warnings",
                [[record.id], values[this.meta.fieldMapping.date_start]]
            );
            if (!warnings.length || (await this.confirmMove(warnings))) {
                return await super.updateRecord(record, options);
            }
        } catch (error) {
            await this.load();
            throw error;
        }
        return this.load();
    }

    /**
     * @param {String[]} warnings what speaks against the new time
     * @returns {Promise<Boolean>} whether to move all the same
     */
    confirmMove(warnings) {
        return new Promise((resolve) => {
            this.dialog.add(
                ConfirmationDialog,
                {
                    title: _t("Move the booking?"),
                    body: warnings.join("\n"),
                    confirmLabel: _t("Move"),
                    cancelLabel: _t("Leave it"),
                    confirm: () => resolve(true),
                    cancel: () => resolve(false),
                },
                {onClose: () => resolve(false)}
            );
        });
    }
}

registry.category("views").add("payment_booking_calendar", {
    ...calendarView,
    Model: BookingCalendarModel,
});

// A refusal in words, not an error: the web client knows Odoo's own exceptions only.
registry
    .category("error_dialogs")
    .add("odoo.addons.payment_booking_portal.exceptions.SlotTaken", WarningDialog);
