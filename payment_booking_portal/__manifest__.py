{
    "name": "Bookings & Payments",
    "summary": "Clients book online and pay: at booking, later, or at the appointment",
    "version": "19.0.1.0.0",
    "category": "Services/Appointment",
    "author": "payment_booking_portal maintainers",
    "license": "LGPL-3",
    "depends": [
        "account_payment",
        "calendar",
        "resource",
        "portal",
        "payment_custom",
        "payment_stripe",
        "payment_mollie",
    ],
    "data": [
        # Security
        "security/payment_booking_portal_groups.xml",
        "security/payment_booking_portal_security.xml",
        "security/ir.model.access.csv",
        # Data
        "data/payment_booking_data.xml",
        "data/payment_setup_step_data.xml",
        "data/ir_cron_data.xml",
        "data/mail_message_subtype_data.xml",
        "data/payment_method_data.xml",
        "views/mail_templates.xml",  # Called by the mail templates
        "data/mail_template_data.xml",
        "data/mail_template_request_data.xml",
        # Client pages
        "views/client_layout_templates.xml",
        "views/form_templates.xml",
        "views/book_templates.xml",
        "views/pay_templates.xml",
        "views/booking_templates.xml",
        "views/request_templates.xml",
        # Back office
        "views/payment_booking_confirm_views.xml",  # Its action is on the booking form
        "views/payment_booking_ask_views.xml",
        "views/payment_booking_move_views.xml",
        "views/payment_booking_record_views.xml",
        "views/payment_booking_views.xml",
        "views/payment_booking_share_views.xml",
        "views/payment_overview_views.xml",
        "views/payment_booking_session_views.xml",
        "views/payment_booking_service_views.xml",
        "views/payment_form_submission_views.xml",  # Its action is on the form
        "views/payment_form_views.xml",
        "views/product_booking_resource_group_views.xml",
        "views/resource_resource_views.xml",
        "views/product_template_views.xml",
        "views/res_partner_views.xml",
        "views/res_config_settings_views.xml",
        "views/payment_booking_business_views.xml",
        "views/payment_booking_mail_test_views.xml",
        "views/payment_setup_step_views.xml",
        "views/payment_booking_portal_menus.xml",
    ],
    "demo": [
        "demo/res_company_demo.xml",
        "demo/res_users_demo.xml",
        "demo/resource_demo.xml",
        "demo/payment_booking_service_demo.xml",
        "demo/payment_form_demo.xml",
        "demo/payment_booking_demo.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "payment_booking_portal/static/src/views/*.js",
            "payment_booking_portal/static/src/setup/*",
            "payment_booking_portal/static/src/overview/*",
        ],
        "web.assets_frontend": [
            "payment_booking_portal/static/src/scss/client_pages.scss",
            "payment_booking_portal/static/src/interactions/*.js",
        ],
        "web.assets_unit_tests": [
            "payment_booking_portal/static/tests/interactions/*.test.js",
        ],
        "web.assets_unit_tests_setup": [
            "payment_booking_portal/static/src/interactions/*.js",
        ],
        "web.assets_tests": [
            "payment_booking_portal/static/tests/tours/*.js",
        ],
    },
    "post_init_hook": "post_init_hook",
    "installable": True,
    "application": True,
}
