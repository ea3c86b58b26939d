import {BaseOptionComponent, useDomState} from "@html_builder/core/utils";
import {onWillStart} from "@odoo/owl";

/**
 * The options of the blocks *Pay* and *Book*.
 */
export class BookingBlockOption extends BaseOptionComponent {
    static template = "payment_booking_portal_website.BookingBlockOption";
    static selector = ".s_payment_booking";
    static dependencies = ["bookingBlockOption"];

    setup() {
        super.setup();
        this.domState = useDomState((editingElement) => ({
            purpose: editingElement.dataset.purpose,
            hasKey: Boolean(editingElement.dataset.key),
        }));
        const {fetchChoices} = this.dependencies.bookingBlockOption;
        onWillStart(async () => {
            this.choices = await fetchChoices(
                this.env.getEditingElement().dataset.purpose
            );
        });
    }
}
