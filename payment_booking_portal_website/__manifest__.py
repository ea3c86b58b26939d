{
    "name": "Bookings & Payments: Website",
    "summary": "Blocks of the website builder, services by website, the sitemap",
    "version": "19.0.1.0.0",
    "category": "Website/Website",
    "author": "payment_booking_portal maintainers",
    "license": "LGPL-3",
    "depends": [
        "payment_booking_portal",
        "website",
    ],
    "data": [
        "data/website_menu_data.xml",
        "views/snippets/s_payment_booking.xml",
        "views/snippets/snippets.xml",
        "views/payment_booking_service_views.xml",
    ],
    "assets": {
        "web.assets_frontend": [
            "payment_booking_portal_website/static/src/interactions/*.js",
            "payment_booking_portal_website/static/src/scss/booking_block.scss",
        ],
        "website.assets_inside_builder_iframe": [
            "payment_booking_portal_website/static/src/scss/*.edit.scss",
        ],
        "website.website_builder_assets": [
            "payment_booking_portal_website/static/src/website_builder/*",
        ],
    },
    "installable": True,
    "auto_install": True,
}
