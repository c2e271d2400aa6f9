"""The official OpenAI SDK against a providersim started with --api-key secret --models sim."""
import base64
import os
import unittest

import openai

BASE_URL = os.environ["PROVIDERSIM_URL"] + "/v1"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


def client(**options):
    options = {"api_key": "secret", "max_retries": 0, "timeout": 20, **options}
    return openai.OpenAI(base_url=BASE_URL, **options)


def ask(text, api=None, model="sim", **options):
    messages = [{"role": "user", "content": text}]
    return (api or client()).chat.completions.create(model=model, messages=messages, **options)


def tool(name):
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


def joined(stream):
    """Calls of a stream, as the SDK hands their pieces out: [id, name, arguments] each."""
    calls = {}
    for chunk in stream:
        for piece in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            call = calls.setdefault(piece.index, [piece.id, piece.function.name, ""])
            call[2] += piece.function.arguments
    return list(calls.values())


class OpenAiSdkTest(unittest.TestCase):
    def test_answers_whole(self):
        answer = ask("My dog is called Rex.")
        self.assertEqual(answer.choices[0].message.content, "Noted. My dog is called Rex.")
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual(answer.usage.completion_tokens, 6)
        self.assertEqual(answer.usage.prompt_tokens_details.cached_tokens, 0)

    def test_streams_with_usage(self):
        chunks = list(ask("/sim tokens 20\n/sim events 5", stream=True, stream_options={"include_usage": True}))
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        self.assertEqual(text, " ".join(f"t{i}" for i in range(1, 21)))
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-2].choices[0].finish_reason, "stop")
        self.assertEqual(chunks[-1].usage.completion_tokens, 20)

    def test_lists_models(self):
        self.assertEqual([m.id for m in client().models.list()], ["sim"])
        self.assertEqual(client().models.retrieve("sim").id, "sim")

    def test_raises_typed_errors(self):
        for text, error in [
            ("/sim status 400", openai.BadRequestError),
            ("/sim status 403", openai.PermissionDeniedError),
            ("/sim status 404", openai.NotFoundError),
            ("/sim status 409", openai.ConflictError),
            ("/sim status 422", openai.UnprocessableEntityError),
            ("/sim status 429 1000", openai.RateLimitError),
            ("/sim status 500", openai.InternalServerError),
            ("/sim status 503", openai.InternalServerError),
        ]:
            with self.assertRaises(error) as raised:
                ask(text)
            self.assertTrue(raised.exception.request_id.startswith("req_"))
        with self.assertRaises(openai.NotFoundError) as raised:
            ask("hi", model="other")
        self.assertEqual(raised.exception.code, "model_not_found")
        with self.assertRaises(openai.AuthenticationError) as raised:
            ask("hi", client(api_key="wrong"))
        self.assertEqual(raised.exception.code, "invalid_api_key")
        with self.assertRaises(openai.BadRequestError) as raised:
            ask("hi", temperature=3)
        self.assertEqual(raised.exception.param, "temperature")

    def test_raises_on_an_error_inside_a_stream(self):
        for directive in ["/sim error-after 0", "/sim error-after 2 429"]:
            with self.assertRaises(openai.APIError):
                list(ask(f"/sim tokens 5\n{directive}", stream=True))

    def test_raises_on_an_event_that_is_no_json(self):
        with self.assertRaises(ValueError):
            list(ask("/sim tokens 5\n/sim malformed-after 2", stream=True))

    def test_tells_a_spent_quota_from_a_limit(self):
        with self.assertRaises(openai.RateLimitError) as raised:
            ask("/sim status 429 insufficient_quota")
        self.assertEqual(raised.exception.code, "insufficient_quota")
        self.assertNotIn("retry-after", raised.exception.response.headers)

    def test_sends_images(self):
        def with_image(url):
            content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Hi."}]
            return client().chat.completions.create(model="sim", messages=[{"role": "user", "content": content}])

        self.assertEqual(with_image(f"data:image/png;base64,{PNG}").usage.prompt_tokens, 1604)
        with self.assertRaises(openai.BadRequestError) as raised:
            with_image("data:image/png;base64,no base64")
        self.assertEqual(raised.exception.code, "invalid_base64")

    def test_refuses_and_stops_for_length(self):
        self.assertEqual(ask("/sim refusal").choices[0].message.refusal, "I cannot help with that.")
        cut = ask("/sim tokens 9", max_completion_tokens=3).choices[0]
        self.assertEqual((cut.finish_reason, cut.message.content), ("length", "t1 t2 t3"))

    def test_raises_on_a_lost_connection_and_on_silence(self):
        with self.assertRaises(openai.APIConnectionError):
            ask("/sim cut-after 0")
        with self.assertRaises(openai.APITimeoutError):
            ask("/sim hang-before", client(timeout=0.2))

    def test_retries_by_itself_until_it_succeeds(self):
        text = "/sim key retry\n/sim fail-first 2 status 500\n/sim tokens 1"
        self.assertEqual(ask(text, client(max_retries=2)).choices[0].message.content, "t1")

    def test_calls_tools_and_speaks_of_their_results(self):
        text = '/sim tool clock {"zone": "CET"}\n/sim tool scales'
        tools = [tool("clock"), tool("scales")]
        answer = ask(text, tools=tools).choices[0]
        self.assertEqual(answer.finish_reason, "tool_calls")
        self.assertIsNone(answer.message.content)
        made = [[c.id, c.function.name, c.function.arguments] for c in answer.message.tool_calls]
        self.assertEqual([call[1:] for call in made], [["clock", '{"zone": "CET"}'], ["scales", "{}"]])
        self.assertEqual(joined(ask(text, tools=tools, stream=True)), made)

        results = [{"role": "tool", "tool_call_id": call[0], "content": content}
                   for call, content in zip(made, ["12:00", "7 kg"])]
        messages = [{"role": "user", "content": text}, answer.message, *results]
        create = client().chat.completions.create
        spoken = create(model="sim", messages=messages, tools=tools).choices[0].message.content
        self.assertEqual(spoken, "clock said: 12:00. scales said: 7 kg.")
        with self.assertRaises(openai.BadRequestError) as raised:
            create(model="sim", messages=messages[:-1], tools=tools)
        self.assertEqual(raised.exception.param, "messages.[3].role")

    def test_streams_tools_through_the_sdks_own_accumulator(self):
        text = "/sim pieces 4\n/sim tool clock {\"zone\": \"CET\"}"
        messages = [{"role": "user", "content": text}]
        with client().chat.completions.stream(model="sim", messages=messages, tools=[tool("clock")]) as stream:
            message = stream.get_final_completion().choices[0].message
        self.assertEqual(message.tool_calls[0].function.arguments, '{"zone": "CET"}')


if __name__ == "__main__":
    unittest.main()
