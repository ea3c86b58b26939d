{
    "name": "Benchmark Routes",
    "summary": "Routes that only the benchmarks call; never installed",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "payment_booking_portal maintainers",
    "license": "LGPL-3",
    "depends": ["web"],
    "installable": True,
}
