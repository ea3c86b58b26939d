import {
    animationFrame,
    beforeEach,
    click,
    Deferred,
    describe,
    expect,
    manuallyDispatchProgrammaticEvent,
    mockLocation,
    mockTimeZone,
    select,
    test,
} from "@odoo/hoot";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";
import {onRpc} from "@web/../tests/web_test_helpers";
import {cookie} from "@web/core/browser/cookie";

setupInteractionWhiteList("payment_booking_portal.booking_calendar");

describe.current.tags("interaction_dev");

const url = (query) => new URL(`/book/haircut-1${query}`, mockLocation.origin).href;

/**
 * A page as the server makes it.
 *
 * @param {String} month name of the month
 * @param {Object} [options] what else is on it
 */
function getPage(
    month,
    {day = "", next = true, zone = "Europe/Brussels", detect = ""} = {}
) {
    return `
        <p id="o_pbp_said" role="status"></p>
        <div id="o_pbp_swap" data-tz="${zone}" ${detect && 'data-detect-tz="1"'}>
            <form action="${url("")}" method="get">
                <input type="hidden" name="month" value="2026-03"/>
                <select id="o_pbp_resource" name="resource" data-pbp-submit="1">
                    <option value="" selected="1">Anyone</option>
                    <option value="7">Anna</option>
                </select>
            </form>
            <a id="o_pbp_previous" data-pbp-swap="o_pbp_previous" href="${url("?month=2026-02")}">‹</a>
            <h2 id="o_pbp_month_title" tabindex="-1">${month}</h2>
            ${
                next
                    ? `<a id="o_pbp_next" data-pbp-swap="o_pbp_next" href="${url("?month=2026-04")}">›</a>`
                    : ""
            }
            <a class="day" data-pbp-swap="o_pbp_times_title" href="${url("?day=2026-03-05")}">5</a>
            <h2 id="o_pbp_times_title" tabindex="-1">${day}</h2>
        </div>`;
}

/**
 * Answer requests for the page.
 *
 * @param {Function} answer from the query of an address to a page, or a promise of one
 */
function serve(answer) {
    onRpc(
        "/book/haircut-1",
        async (request) => {
            const {search} = new URL(request.url);
            expect.step(search);
            const page = await answer(search);
            return new Response(`<!DOCTYPE html><html><body>${page}</body></html>`);
        },
        {pure: true}
    );
}

async function settle() {
    for (let i = 0; i < 5; i++) {
        await animationFrame();
    }
}

beforeEach(() => {
    mockTimeZone("Europe/Brussels");
    mockLocation.href = url("");
});

test("another day comes without loading the page", async () => {
    serve(() => getPage("March", {day: "Thursday 5 March"}));
    const {core} = await startInteractions(getPage("March"));
    expect(core.interactions).toHaveLength(1);
    await click(".day");
    expect("#o_pbp_swap").toHaveAttribute("aria-busy", "true");
    await settle();
    expect.verifySteps(["?day=2026-03-05"]);
    expect("#o_pbp_swap").not.toHaveAttribute("aria-busy");
    expect("#o_pbp_times_title").toHaveText("Thursday 5 March");
    expect("#o_pbp_times_title").toBeFocused();
    expect(mockLocation.search).toBe("?day=2026-03-05");
    // What is new works as what was there before.
    await click(".day");
    await settle();
    expect.verifySteps(["?day=2026-03-05"]);
});

test("another month keeps the focus on its button, and is said aloud", async () => {
    serve((search) =>
        search === "?month=2026-04" ? getPage("April") : getPage("February")
    );
    await startInteractions(getPage("March"));
    await click("#o_pbp_next");
    await settle();
    expect("#o_pbp_month_title").toHaveText("April");
    expect("#o_pbp_next").toBeFocused();
    expect("#o_pbp_said").toHaveText("April");
    await click("#o_pbp_previous");
    await settle();
    expect("#o_pbp_previous").toBeFocused();
    expect("#o_pbp_said").toHaveText("February");
    expect.verifySteps(["?month=2026-04", "?month=2026-02"]);
});

test("at the last month the focus goes to its name", async () => {
    serve(() => getPage("April", {next: false}));
    await startInteractions(getPage("March"));
    await click("#o_pbp_next");
    await settle();
    expect("#o_pbp_month_title").toBeFocused();
    expect.verifySteps(["?month=2026-04"]);
});

test("a choice of a list is sent with what its form knows", async () => {
    serve(() => getPage("March"));
    await startInteractions(getPage("March"));
    await click("#o_pbp_resource");
    await select("7");
    await settle();
    expect.verifySteps(["?month=2026-03&resource=7"]);
    expect("#o_pbp_resource").toBeFocused();
});

test("an answer that comes too late is dropped", async () => {
    const april = new Deferred();
    serve((search) => (search === "?month=2026-04" ? april : getPage("February")));
    await startInteractions(getPage("March"));
    await click("#o_pbp_next");
    await click("#o_pbp_previous");
    await settle();
    expect("#o_pbp_month_title").toHaveText("February");
    april.resolve(getPage("April"));
    await settle();
    expect("#o_pbp_month_title").toHaveText("February");
    expect(mockLocation.search).toBe("?month=2026-02");
    expect.verifySteps(["?month=2026-04", "?month=2026-02"]);
});

test("a new tab is left to the browser", async () => {
    serve(() => getPage("April"));
    await startInteractions(getPage("March"));
    const link = document.querySelector("#o_pbp_next");
    const stop = (ev) => {
        expect.step(ev.defaultPrevented ? "taken" : "left");
        ev.preventDefault();
    };
    document.addEventListener("click", stop);
    link.dispatchEvent(
        new MouseEvent("click", {bubbles: true, cancelable: true, ctrlKey: true})
    );
    document.removeEventListener("click", stop);
    await settle();
    expect.verifySteps(["left"]);
});

test("when the network is cut the browser goes there itself", async () => {
    serve(() => Promise.reject(new TypeError("Failed to fetch")));
    await startInteractions(getPage("March"));
    await click("#o_pbp_next");
    await settle();
    expect(mockLocation.search).toBe("?month=2026-04");
    expect("#o_pbp_month_title").toHaveText("March");
    expect.verifySteps(["?month=2026-04"]);
});

test("a cut network is of no account once something else was chosen", async () => {
    const april = new Deferred();
    serve((search) => (search === "?month=2026-04" ? april : getPage("February")));
    await startInteractions(getPage("March"));
    await click("#o_pbp_next");
    await click("#o_pbp_previous");
    await settle();
    april.reject(new TypeError("Failed to fetch"));
    await settle();
    expect(mockLocation.search).toBe("?month=2026-02");
    expect.verifySteps(["?month=2026-04", "?month=2026-02"]);
});

test("a page without calendar is loaded as a whole", async () => {
    serve(() => "<h1>Online booking is closed at the moment</h1>");
    await startInteractions(getPage("March"));
    await click("#o_pbp_next");
    await settle();
    expect(mockLocation.search).toBe("?month=2026-04");
    expect("#o_pbp_month_title").toHaveText("March");
    expect.verifySteps(["?month=2026-04"]);
});

test("back shows what was there", async () => {
    serve((search) => getPage(search === "?month=2026-04" ? "April" : "March"));
    await startInteractions(getPage("March"));
    await click("#o_pbp_next");
    await settle();
    mockLocation.href = url("");
    await manuallyDispatchProgrammaticEvent(window, "popstate");
    await settle();
    expect("#o_pbp_month_title").toHaveText("March");
    expect.verifySteps(["?month=2026-04", ""]);
});

describe("time zone", () => {
    test("that of the browser is found and told once", async () => {
        mockTimeZone("Asia/Tokyo");
        serve(() => getPage("March", {zone: "Asia/Tokyo", detect: true}));
        await startInteractions(getPage("March", {detect: true}));
        await settle();
        expect.verifySteps([""]);
        expect(cookie.get("tz")).toBe("Asia/Tokyo");
        expect("#o_pbp_swap").toHaveAttribute("data-tz", "Asia/Tokyo");
        expect(document.body).toBeFocused({message: "nobody asked for anything"});
    });

    test("the visitor's choice is respected", async () => {
        mockTimeZone("Asia/Tokyo");
        mockLocation.href = url("?tz=America/New_York");
        serve(() => getPage("March"));
        await startInteractions(
            getPage("March", {zone: "America/New_York", detect: true})
        );
        await settle();
        expect.verifySteps([]);
    });

    test("on site the time is that of the place", async () => {
        mockTimeZone("Asia/Tokyo");
        serve(() => getPage("March"));
        await startInteractions(getPage("March"));
        await settle();
        expect.verifySteps([]);
        expect(cookie.get("tz")).not.toBe("Asia/Tokyo");
    });

    test("a server that does not know the zone is not asked for ever", async () => {
        mockTimeZone("Asia/Tokyo");
        cookie.set("tz", "Asia/Tokyo");
        serve(() => getPage("March"));
        await startInteractions(getPage("March", {detect: true}));
        await settle();
        expect.verifySteps([]);
    });
});
