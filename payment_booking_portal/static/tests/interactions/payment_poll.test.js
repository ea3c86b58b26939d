import {advanceTime, Deferred, describe, expect, mockLocation, test} from "@odoo/hoot";
import {
    setupInteractionWhiteList,
    startInteractions,
} from "@web/../tests/public/helpers";
import {makeServerError, onRpc} from "@web/../tests/web_test_helpers";

setupInteractionWhiteList("payment_booking_portal.payment_poll");

describe.current.tags("interaction_dev");

const page = `<article data-poll-url="/pay/token/poll"></article>`;

test("goes where the server says", async () => {
    onRpc("/pay/token/poll", () => ({url: "/booking/token"}));
    const {core} = await startInteractions(page);
    expect(core.interactions).toHaveLength(1);
    await advanceTime(1);
    expect(mockLocation.pathname).toBe("/booking/token");
    await advanceTime(120000);
});

test("asks less and less often", async () => {
    onRpc("/pay/token/poll", () => {
        expect.step("ask");
        return {url: false};
    });
    const pass = async (milliseconds) => {
        for (let i = 0; i < milliseconds; i += 500) {
            await advanceTime(500);
        }
    };
    await startInteractions(page);
    await advanceTime(1);
    expect.verifySteps(["ask"]);
    // Looked at between two questions: on a busy machine a clock of mocks drifts.
    await pass(19000); // nine times every two seconds
    expect.verifySteps(Array(9).fill("ask"));
    await pass(100000); // ten times every ten seconds
    expect.verifySteps(Array(10).fill("ask"));
    await pass(25000);
    expect.verifySteps([]);
    await pass(10000); // then every thirty
    expect.verifySteps(["ask"]);
});

test("an error or a cut network is no end", async () => {
    const answers = [
        () => {
            throw makeServerError();
        },
        () => {
            throw new TypeError("Failed to fetch");
        },
        () => ({url: "/pay/token/status"}),
    ];
    onRpc("/pay/token/poll", () => {
        expect.step("ask");
        return answers.shift()();
    });
    await startInteractions(page);
    await advanceTime(1);
    await advanceTime(2000);
    expect.verifySteps(["ask", "ask"]);
    await advanceTime(2000);
    expect.verifySteps(["ask"]);
    expect(mockLocation.pathname).toBe("/pay/token/status");
});

test("waits for an answer before it asks again", async () => {
    const answer = new Deferred();
    onRpc("/pay/token/poll", () => {
        expect.step("ask");
        return answer;
    });
    await startInteractions(page);
    await advanceTime(30000);
    expect.verifySteps(["ask"]);
});

test("stops with its page", async () => {
    onRpc("/pay/token/poll", () => {
        expect.step("ask");
        return {url: false};
    });
    const {core} = await startInteractions(page);
    await advanceTime(1);
    core.stopInteractions();
    await advanceTime(30000);
    expect.verifySteps(["ask"]);
});
