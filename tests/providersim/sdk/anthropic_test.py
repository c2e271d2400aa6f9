"""The official Anthropic SDK against a providersim started with --api-key secret --models sim."""
import base64
import os
import unittest

import anthropic

BASE_URL = os.environ["PROVIDERSIM_URL"]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


def client(**options):
    options = {"api_key": "secret", "max_retries": 0, "timeout": 20, **options}
    return anthropic.Anthropic(base_url=BASE_URL, **options)


def ask(text, api=None, **options):
    messages = [{"role": "user", "content": text}]
    options = {"model": "sim", "max_tokens": 2048, "messages": messages, **options}
    return (api or client()).messages.create(**options)


def stream(text, api=None, **options):
    messages = [{"role": "user", "content": text}]
    options = {"model": "sim", "max_tokens": 2048, "messages": messages, **options}
    return (api or client()).messages.stream(**options)


def tool(name):
    return {"name": name, "input_schema": {"type": "object"}}


class AnthropicSdkTest(unittest.TestCase):
    def fails(self, error, call, *arguments, **options):
        with self.assertRaises(error) as raised:
            call(*arguments, **options)
        return raised.exception

    def test_answers_whole(self):
        answer = ask("My dog is called Rex.")
        self.assertEqual(answer.content[0].text, "Noted. My dog is called Rex.")
        self.assertEqual(answer.stop_reason, "end_turn")
        self.assertEqual(answer.usage.output_tokens, 6)
        self.assertTrue(answer._request_id.startswith("req_"))

    def test_streams_text_with_usage(self):
        with stream("/sim tokens 20\n/sim events 5") as answer:
            text = "".join(answer.text_stream)
            message = answer.get_final_message()
        self.assertEqual(text, " ".join(f"t{i}" for i in range(1, 21)))
        self.assertEqual(message.usage.output_tokens, 20)
        self.assertEqual(message.stop_reason, "end_turn")

    def test_hands_out_every_event_of_a_raw_stream(self):
        events = [event.type for event in ask("/sim tokens 1", stream=True)]
        self.assertEqual([e for e in events if e != "ping"],
                         ["message_start", "content_block_start", "content_block_delta",
                          "content_block_stop", "message_delta", "message_stop"])

    def test_calls_tools_beside_each_other_and_speaks_of_their_results(self):
        text = '/sim tool clock {"zone": "CET"}\n/sim tool scales'
        tools = [tool("clock"), tool("scales")]
        answer = ask(text, tools=tools)
        self.assertEqual(answer.stop_reason, "tool_use")
        self.assertEqual([(b.name, b.input) for b in answer.content],
                         [("clock", {"zone": "CET"}), ("scales", {})])
        results = [{"type": "tool_result", "tool_use_id": block.id, "content": content}
                   for block, content in zip(answer.content, ["12:00", "7 kg"])]
        messages = [{"role": "user", "content": text},
                    {"role": "assistant", "content": answer.content},
                    {"role": "user", "content": results}]
        spoken = ask("", tools=tools, messages=messages).content[0].text
        self.assertEqual(spoken, "clock said: 12:00. scales said: 7 kg.")
        messages[2]["content"] = results[:1]
        error = self.fails(anthropic.BadRequestError, ask, "", tools=tools, messages=messages)
        self.assertIn("`tool_use` ids were found without `tool_result`", str(error))

    def test_joins_the_pieces_of_calls(self):
        text = '/sim pieces 4\n/sim tool clock {"zone": "CET"}\n/sim tool scales'
        with stream(text, tools=[tool("clock"), tool("scales")]) as answer:
            message = answer.get_final_message()
        self.assertEqual([b.input for b in message.content], [{"zone": "CET"}, {}])

    def test_reads_arguments_of_no_piece_as_an_empty_object(self):
        with stream("/sim pieces 0\n/sim tool clock", tools=[tool("clock")]) as answer:
            self.assertEqual(answer.get_final_message().content[0].input, {})

    def test_streams_thoughts_and_takes_them_back_unchanged(self):
        text = "/sim reasoning\n/sim redacted\n/sim tool clock"
        with stream(text, tools=[tool("clock")]) as answer:
            message = answer.get_final_message()
        self.assertEqual([b.type for b in message.content],
                         ["thinking", "redacted_thinking", "tool_use"])
        self.assertEqual(message.content[0].thinking, "Let me think about that.")
        content = [block.model_dump(exclude_none=True) for block in message.content]
        result = {"type": "tool_result", "tool_use_id": message.content[2].id, "content": "12:00"}
        messages = [{"role": "user", "content": text}, {"role": "assistant", "content": content},
                    {"role": "user", "content": [result]}]
        spoken = ask("", tools=[tool("clock")], messages=messages)
        self.assertEqual(spoken.content[-1].text, "clock said: 12:00.")
        content[0]["thinking"] += "!"
        error = self.fails(anthropic.BadRequestError, ask, "", tools=[tool("clock")],
                           messages=messages)
        self.assertIn("Invalid `signature` in `thinking` block", str(error))

    def test_thinks_when_it_is_enabled(self):
        answer = ask("Hi.", thinking={"type": "enabled", "budget_tokens": 1024})
        self.assertEqual([b.type for b in answer.content], ["thinking", "text"])

    def test_sends_images(self):
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
        messages = [{"role": "user", "content": [image, {"type": "text", "text": "Hi."}]}]
        self.assertEqual(ask("", messages=messages).usage.input_tokens, 1604)
        image["source"]["media_type"] = "image/gif"
        error = self.fails(anthropic.BadRequestError, ask, "", messages=messages)
        self.assertIn("appears to be a image/png image", str(error))

    def test_writes_and_reads_the_prompt_cache(self):
        system = [{"type": "text", "text": "Answer briefly. " * 20,
                   "cache_control": {"type": "ephemeral"}}]
        first = ask("One.", system=system).usage
        second = ask("Two.", system=system).usage
        self.assertEqual((first.cache_creation_input_tokens, first.cache_read_input_tokens), (83, 0))
        self.assertEqual((second.cache_creation_input_tokens, second.cache_read_input_tokens), (0, 83))
        self.assertEqual(second.input_tokens, 4)

    def test_counts_tokens_and_lists_models(self):
        counted = client().messages.count_tokens(
            model="sim", messages=[{"role": "user", "content": "12345678"}])
        self.assertEqual(counted.input_tokens, 5)
        self.assertEqual([m.id for m in client().models.list()], ["sim"])
        self.assertEqual(client().models.retrieve("sim").display_name, "sim")

    def test_ends_for_every_reason(self):
        self.assertEqual(ask("/sim tokens 9", max_tokens=3).stop_reason, "max_tokens")
        stopped = ask("one two three", stop_sequences=["two"])
        self.assertEqual((stopped.stop_reason, stopped.stop_sequence), ("stop_sequence", "two"))
        with stream("/sim refusal") as answer:
            refused = answer.get_final_message()
        self.assertEqual((refused.stop_reason, refused.content), ("refusal", []))

    def test_raises_the_typed_error_of_a_status(self):
        for status, error in [
            (400, anthropic.BadRequestError),
            (403, anthropic.PermissionDeniedError),
            (404, anthropic.NotFoundError),
            (409, anthropic.ConflictError),
            (429, anthropic.RateLimitError),
            (500, anthropic.InternalServerError),
            (503, anthropic.InternalServerError),
            (529, anthropic.InternalServerError),
        ]:
            raised = self.fails(error, ask, f"/sim status {status}")
            self.assertEqual(raised.status_code, status)
            self.assertTrue(raised.request_id.startswith("req_"))

    def test_tells_an_overload_from_an_internal_error(self):
        overloaded = self.fails(anthropic.APIStatusError, ask, "/sim status 529")
        internal = self.fails(anthropic.APIStatusError, ask, "/sim status 500")
        self.assertEqual(overloaded.body["error"]["type"], "overloaded_error")
        self.assertEqual(internal.body["error"]["type"], "api_error")

    def test_hands_out_retry_after(self):
        limited = self.fails(anthropic.RateLimitError, ask, "/sim status 429 1500")
        self.assertEqual(limited.response.headers["retry-after"], "2")
        self.assertEqual(limited.body["error"]["type"], "rate_limit_error")

    def test_refuses_a_wrong_key_and_an_unknown_model(self):
        error = self.fails(anthropic.AuthenticationError, ask, "hi", client(api_key="wrong"))
        self.assertEqual(error.body["error"]["type"], "authentication_error")
        error = self.fails(anthropic.NotFoundError, ask, "hi", model="other")
        self.assertIn("model: other", str(error))

    def test_refuses_what_the_api_refuses(self):
        self.fails(anthropic.BadRequestError, ask, "hi", extra_body={"n": 1})
        self.fails(anthropic.BadRequestError, ask, "hi", max_tokens=0)
        error = self.fails(anthropic.BadRequestError, ask, "hi", extra_body={"temperature": 0.5},
                           extra_headers={"anthropic-version": "2026-10-21"})
        self.assertIn("`temperature` is deprecated", str(error))

    def test_raises_on_an_error_inside_a_stream(self):
        for directive in ["/sim error-after 0 529", "/sim error-after 2 529"]:
            with self.assertRaises(anthropic.APIStatusError) as raised:
                list(ask(f"/sim tokens 5\n{directive}", stream=True))
            self.assertEqual(raised.exception.body["error"]["type"], "overloaded_error")

    def test_raises_on_a_lost_connection_and_on_silence(self):
        self.fails(anthropic.APIConnectionError, ask, "/sim cut-before")
        self.fails(anthropic.APITimeoutError, ask, "/sim hang-before", client(timeout=0.3))

    def test_retries_by_itself_until_it_succeeds(self):
        text = "/sim key retry\n/sim fail-first 2 status 529\n/sim tokens 1"
        self.assertEqual(ask(text, client(max_retries=2)).content[0].text, "t1")


if __name__ == "__main__":
    unittest.main()
