"""Totals before there is an invoice, from Odoo's own engine."""


def compute_totals(base_lines, company, currency):
    """Return the amounts that the invoice of some lines will have.

    :param list base_lines: made by
        `account.tax._prepare_base_line_for_taxes_computation`; their details are added.
    :param res.company company: who invoices, sudoed.
    :param res.currency currency: of the document.
    :return: `amount_untaxed`, `amount_tax` and `amount_total`.
    :rtype: dict
    """
    AccountTax = company.env["account.tax"]
    AccountTax._add_tax_details_in_base_lines(base_lines, company)
    AccountTax._round_base_lines_tax_details(base_lines, company)
    # The first step of `_get_tax_totals_summary`, without its groups and labels.
    by_line = AccountTax._aggregate_base_lines_tax_details(
        base_lines, lambda _line, tax_data: bool(tax_data)
    )
    totals = AccountTax._aggregate_base_lines_aggregated_values(by_line).values()
    untaxed = sum(values["total_excluded_currency"] for values in totals)
    tax = sum(values["tax_amount_currency"] for values in totals)
    return {
        "amount_untaxed": currency.round(untaxed),
        "amount_tax": currency.round(tax),
        "amount_total": currency.round(untaxed + tax),
    }
