from odoo import api, models
from odoo.exceptions import UserError

# Only our own methods can pass this object in a context: RPC and import carry texts
# and numbers. It lets them write protected fields.
EDIT_SENTINEL = object()


class PaymentProtectedMixin(models.AbstractModel):
    """Facts that only our own methods change, also for RPC and import: what was sold,
    when, to whom it belongs.

    A model names them in `_protected_fields`, and checks others by the state of the
    record (see `_check_protected`).
    """

    _name = "payment.protected.mixin"
    _description = "Document With Protected Facts"

    # Fields that nobody sets from outside, in a new record neither.
    _protected_fields = frozenset()
    # What those fields say in a new record all the same.
    _protected_defaults = {"state": "draft", "name": "/"}

    def _is_protected_edit(self):
        return self.env.context.get("booking_edit") is EDIT_SENTINEL

    def _editing(self):
        """Return the records, sudoed, with the right to write protected fields."""
        # Callers have checked who asks; plain users do not write these fields.
        return self.sudo().with_context(booking_edit=EDIT_SENTINEL)

    @api.model
    def default_get(self, fields):
        """Override of `base`: a context says nothing about what only we set.

        A calendar view, for one, gives the end of the time that was drawn.
        """
        protected = {f"default_{name}" for name in self._protected_fields}
        context = {k: v for k, v in self.env.context.items() if k not in protected}
        return super(
            PaymentProtectedMixin,
            self.with_context(context),  # pylint: disable=context-overridden
        ).default_get(fields)

    def _check_protected(self, vals, names=None):
        """Refuse values that only our own methods may set.

        Import and RPC come through here too. A value that changes nothing is fine: an
        exported file can be imported again.

        :param dict vals: what somebody writes, or of a new record.
        :param set names: fields to look at; `_protected_fields` by default.
        :raise UserError: when one would change.
        """
        if names is None:
            names = self._protected_fields | self._get_computed_fields()
        for name in sorted(names & vals.keys()):
            field = self._fields[name]
            if field.type in ("one2many", "many2many"):
                changed = bool(vals[name])
            elif self:
                new = field.convert_to_cache(vals[name], self[:1])
                changed = any(
                    field.convert_to_cache(record[name], record) != new
                    for record in self
                )
            else:
                default = self._protected_defaults.get(name)
                changed = bool(vals[name]) and vals[name] != default
            if changed:
                self._refuse_protected(name)

    @api.model
    def _get_computed_fields(self):
        """Return the stored fields that only their compute method sets: the ORM itself
        would keep what somebody else writes.
        """
        return {
            name
            for name, field in self._fields.items()
            if field.store and field.compute and field.readonly and not field.copy
        }

    def _refuse_protected(self, name):
        raise UserError(
            self.env._(
                "%(field)s changes only through the buttons of the form.",
                field=self._fields[name].get_description(self.env)["string"],
            )
        )
